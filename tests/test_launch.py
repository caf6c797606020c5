"""launch.py: several processes as one, which end together and are started anew together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import launch

SCRIPT = Path(__file__).parents[1] / "launch.py"
WHO = "import json, os; n = json.loads(os.environ['TF_CONFIG'])['task']['index']; "


def start(program, *options, command=(sys.executable, "-c"), variables=None):
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(SCRIPT), "--workers=2", *options, "--", *command, program],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **(variables or {})},
    )  # fmt: skip


def launched(program, *options):
    process = start(program, *options)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out.splitlines()


def test_each_line_says_whose_it_is_and_each_worker_who_it_is():
    code, lines = launched(
        WHO + "c = json.loads(os.environ['TF_CONFIG'])['cluster']['worker']; "
        "print('I am', n, len(set(c)), c[n].split(':')[0])"
    )
    assert code == 0
    assert sorted(lines) == ["[0] I am 0 2 127.0.0.1", "[1] I am 1 2 127.0.0.1"]


def test_gpus_are_divided():
    code, lines = launched("import os; print(os.environ['CUDA_VISIBLE_DEVICES'])", "--gpus=0,1,2,3")
    assert code == 0
    assert sorted(lines) == ["[0] 0,2", "[1] 1,3"]


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(75)"])
def test_all_start_anew_when_one_dies_until_no_restart_is_left(tmp_path, end):
    note = f"open({str(tmp_path / 'starts')!r}, 'a').write(str(n)); "
    program = WHO + note + f"import time; {end} if n else time.sleep(60)"
    code, lines = launched(program, "--restarts=1", "--grace=5")
    assert code == (137 if "kill" in end else 75)
    assert (tmp_path / "starts").read_text().count("1") == 2
    assert [line.rpartition("; ")[2] for line in lines if line.startswith("launch.py")] == [
        "all start anew.", "no restart is left.",
    ]  # fmt: skip


def test_a_run_that_goes_on_ends_well(tmp_path):
    mark = str(tmp_path / "mark")
    program = WHO + (
        f"import time; again = os.path.exists({mark!r}); open({mark!r}, 'w') if n else 0; "
        "print('again', again) if again else (os.kill(os.getpid(), 9) if n else time.sleep(60))"
    )
    code, lines = launched(program)
    assert code == 0
    assert "[1] again True" in lines


def test_what_a_script_refuses_is_not_tried_again(tmp_path):
    program = WHO + "import sys, time; sys.exit('no such folder') if n else time.sleep(60)"
    code, lines = launched(program)
    assert code == 1
    assert lines == ["[1] no such folder"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_all_and_nothing_starts_anew(number):
    program = (
        "import signal, sys, time; "
        "[signal.signal(s, lambda s, f: sys.exit(75)) for s in (2, 15)]; "
        "print('up'); time.sleep(60)"
    )
    process = start(program)
    up = [process.stdout.readline() for _ in range(2)]
    process.send_signal(number)
    rest, _ = process.communicate(timeout=30)
    assert sorted(up) == ["[0] up\n", "[1] up\n"]
    assert (process.returncode, rest) == (75, "")


def test_one_that_does_not_end_is_killed():
    program = WHO + (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(os.getpid()); "
        "time.sleep(0.5); os._exit(3) if n else time.sleep(600)"
    )
    begun = time.monotonic()
    code, lines = launched(program, "--grace=0.5")
    assert code == 3
    assert time.monotonic() - begun < 30
    for line in lines:
        with pytest.raises(ProcessLookupError):
            os.kill(int(line.split()[1]), 0)


def test_a_number_that_the_system_gives_out_again_is_watched_again():
    assert launch.watched(["5\n", "7\n", "-5\n", "9\n", "-9\n", "5\n"]) == [7, 5]


@pytest.mark.parametrize("how", ["end", "refuse to end"])
def test_workers_of_a_launcher_that_was_killed_end_and_nothing_is_left(tmp_path, how):
    deaf = "signal.signal(15, signal.SIG_IGN); " if how == "refuse to end" else ""
    program = f"import os, signal, time; {deaf}print(os.getpid(), flush=True); time.sleep(600)"
    process = start(program, "--grace=1", variables={"TMPDIR": str(tmp_path)})
    numbers = [int(process.stdout.readline().split()[1]) for _ in range(2)]
    assert len(list(tmp_path.iterdir())) == 1
    process.kill()
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 30
    while (any(map(lives, numbers)) or list(tmp_path.iterdir())) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(lives, numbers))
    assert not list(tmp_path.iterdir())


def lives(number):
    """A process that nobody waits for is there, but dead."""
    path = Path(f"/proc/{number}/stat")
    if not Path("/proc").is_dir():
        return launch.lives(number)
    return path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected -- and a command"),
        (["--", "no-such-program", "x"], "there is no program 'no-such-program' to start"),
        (["--workers=0", "--", "true"], "--workers must be at least 1"),
        (["--gpus=0", "--", "true"], "--gpus names 1 GPUs for 2 workers"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments, message):
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_a_signal_that_comes_while_workers_are_started_reaches_them():
    program = (
        "import os, signal, sys, launch\n"
        "class Group(launch.Group):\n"
        "    def __init__(self, *args):\n"
        "        super().__init__(*args)\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "launch.Group = Group\n"
        "sys.argv[1:] = ['--', sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "launch.main()\n"
    )
    start = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=SCRIPT.parent, timeout=50, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert time.monotonic() - start < 30


def test_workers_end_when_a_later_one_cannot_be_started(tmp_path):
    note = tmp_path / "number"
    program = (
        "import subprocess, sys, time\n"
        f"sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import launch\n"
        "started, real = [], subprocess.Popen\n"
        "def popen(*arguments, **options):\n"
        "    if len(started) == 2:  # the guard and the first worker\n"
        "        raise OSError(12, 'Cannot allocate memory')\n"
        "    started.append(real(*arguments, **options))\n"
        f"    open({str(note)!r}, 'w').write(str(started[-1].pid))\n"
        "    return started[-1]\n"
        "launch.subprocess.Popen = popen\n"
        "sys.argv = ['launch.py', '--', sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "launch.main()\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stdout == (
        "launch.py: a worker could not be started: [Errno 12] Cannot allocate memory\n"
    )
    assert done.stderr == ""
    assert not lives(int(note.read_text()))
