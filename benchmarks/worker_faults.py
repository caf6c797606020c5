"""Kill workers of one run of prune.py at random, again and again, and compare what comes of it.

    python -m benchmarks.worker_faults --kills 20 --seed 0     # about half a minute for each kill

Two workers prune and train on the digits. The chief gets SIGKILL while it scores, while it writes
a checkpoint, and while it exports. In between, at random moments, one of them, drawn as well, gets
SIGKILL or SIGTERM; launch.py starts both anew. At the end the weights must be those of a run that
nobody disturbed, to the bit (one thread), the folder must hold the same files, and nothing may be
left in the folder for temporary files. On a machine that is through before all signals are sent it
says so: give it more --epochs.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.faults import small_model, verdict

_FLAGS = (
    "--data=digits --method=taylor --ratio=0.5 --epochs={epochs} --batch_size=128 --optimizer=sgd "
    "--decay_step=1 --recalibrate=1 --formats=keras --sync_batch_norm"
)
AIMS = {  # what is there in the run's folder while the chief does it
    "scoring": "stages/scoring/*/pass_*.bin",
    "checkpoint": "checkpoints/*temp*",
    "export": "export/**/.*.partial*",
}
_SIGNALS = (signal.SIGKILL, signal.SIGTERM)


def start(folder: Path, out: Path, epochs: int, restarts: int) -> subprocess.Popen:
    """Start a run on two workers; its output goes to a log beside its folder.

    Args:
        folder: where the model lies, and temporary files go.
        out: the run's folder.
        epochs: how many it trains.
        restarts: how often launch.py may start anew.
    """
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {
        **os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TMPDIR": str(folder / "tmp"),
        "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1",
    }  # fmt: skip
    command = [
        "launch.py", f"--restarts={restarts}", "--grace=20", "--", sys.executable, "prune.py",
        *_FLAGS.format(epochs=epochs).split(),
        f"--model={folder / 'small.keras'}", f"--save_dir={out}",
    ]  # fmt: skip
    with out.with_suffix(".log").open("w") as log:
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *command], stdout=log, stderr=log, env=environment
        )


def workers_of(process: subprocess.Popen) -> list[int]:
    """Return the workers that a launcher has started and that live, the chief first."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    numbers = children.read_text().split() if children.exists() else []
    return [int(number) for number in numbers if _is_worker(number)]


def _is_worker(number: str) -> bool:
    try:
        return b"prune.py" in Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended meanwhile
        return False


def aim(process: subprocess.Popen, out: Path, what: str) -> str:
    """Kill the chief while it does something, and return what was hit.

    Args:
        process: the launcher.
        out: the run's folder.
        what: a name of `AIMS`.
    """
    while process.poll() is None:
        if any(out.glob(AIMS[what])) and len(living := workers_of(process)) == 2:
            os.kill(living[0], signal.SIGKILL)
            return f"SIGKILL in {what}"
        time.sleep(0.0002)
    return f"nothing in {what}"


def disturb(process: subprocess.Popen, kills: int, draw: random.Random) -> list[str]:
    """Send signals to a launcher's workers until it ends, and return which.

    Args:
        process: the launcher.
        kills: how many at most.
        draw: chooses moments, workers and signals.
    """
    sent: list[str] = []
    ended = threading.Event()
    threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True).start()
    while len(sent) < kills and not ended.wait(draw.uniform(1, 45)):
        living = workers_of(process)
        if len(living) < 2:
            continue  # they are being started anew
        number = draw.choice(_SIGNALS)
        os.kill(draw.choice(living), number)
        sent.append(signal.Signals(number).name)
    return sent


def main() -> None:
    """Print what was sent and what differs, and fail where anything does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, begun = Path(name), time.monotonic()
        small_model(folder / "small.keras")
        whole, killed = folder / "whole", folder / "killed"
        if start(folder, whole, given.epochs, 0).wait():
            raise SystemExit((folder / "whole.log").read_text()[-2000:])
        process = start(folder, killed, given.epochs, given.kills + 10)
        sent = [aim(process, killed, what) for what in ("scoring", "checkpoint")]
        sent += disturb(process, given.kills, random.Random(given.seed))
        sent.append(aim(process, killed, "export"))
        process.wait()
        if process.returncode:
            raise SystemExit((folder / "killed.log").read_text()[-2000:])
        wrong = verdict(whole, killed)
        left = sorted(path.name for path in (folder / "tmp").iterdir())
        starts = (folder / "killed.log").read_text().count("all start anew")
        print(f"sent: {', '.join(sent)}; started anew: {starts}")
        print(f"wrong: {wrong or 'nothing'}; left: {left or 'nothing'}")
        print(f"{time.monotonic() - begun:.0f} s")
        missed = given.kills + len(AIMS) - sum(not one.startswith("nothing") for one in sent)
        if missed:
            print(f"The run ended before {missed} of the signals were sent: give it more --epochs.")
        sys.exit(bool(wrong or left or missed))


if __name__ == "__main__":
    main()
