"""run.sh without its environment: a stand-in for Python writes down what would be run."""

import os
import subprocess
from pathlib import Path

import pytest
from absl.testing import flagsaver

import flags.dataset
import flags.training
import prune
import train
from flags import commandline
from tests.scripts.test_presets import presets

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs run.sh and gives its exit code, output and Python calls."""
    log = tmp_path / "calls"
    fake = tmp_path / "bin" / "python"
    fake.parent.mkdir()
    fake.write_text(
        f"""#!/usr/bin/env bash
if [[ "$1" == -c && "$2" == *sys.prefix* ]]; then echo {tmp_path}; exit; fi
if [[ "$1" == -c && "$2" == *version_info* ]]; then exit "${{TOO_OLD:-0}}"; fi
if [[ "$1" == -c ]]; then echo hash; exit; fi
if [[ "$1" == --version ]]; then echo Python 3.10.1; exit; fi
echo "$@" >> {log}
"""
    )
    fake.chmod(0o755)

    def run(*arguments, **environment):
        log.unlink(missing_ok=True)
        path = f"{fake.parent}:{os.environ['PATH']}"
        done = subprocess.run(  # noqa: S603 - the repository's own script
            [ROOT / "run.sh", *arguments],
            env={**os.environ, "PATH": path, "VIRTUAL_ENV": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        calls = log.read_text().splitlines() if log.exists() else []
        return done.returncode, done.stdout + done.stderr, calls

    return run


def test_the_first_call_installs_and_later_ones_do_not(shell):
    code, output, calls = shell("test", "-x", "tests/flags")
    assert code == 0
    assert "Installing" in output
    assert calls == [
        "-m pip install --quiet --disable-pip-version-check -e .[dev,export]",
        "-m pytest -n 2 --dist loadfile -x tests/flags",
    ]
    assert shell("test")[2] == ["-m pytest -n 2 --dist loadfile"]


def test_the_main_job_trains_then_prunes_and_takes_flags(shell):
    shell("test")
    expected = [f"{job}.py --flagfile=flags/presets/digits_{job}.cfg" for job in ("train", "prune")]
    assert shell()[2] == expected
    assert shell("main")[2] == expected
    assert shell("--seed=2", "--overwrite")[2] == [
        f"{call} --seed=2 --overwrite" for call in expected
    ]


def test_the_paper_job_trains_all_seven_then_prunes_at_every_threshold(shell):
    shell("test")
    calls = shell("paper", "--epochs=1")[2]
    trained = [call for call in calls if call.startswith("train.py")]
    assert calls[:7] == trained
    assert [call.split()[1] for call in trained] == [
        f"--arch={name}"
        for name in (
            "vgg16", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "densenet40",
        )
    ]  # fmt: skip
    assert len(calls) == 7 + 6 + 6 * 3
    paper = "--normalisation=pixel --augment=shift_flip"
    resnet = f"{paper} --nodecay_all --batch_size=32"
    vgg = f"{paper} --weight_decay=1e-3 --nodecay_all --samples=50"
    densenet = "--batch_size=64 --optimizer=sgd --learning_rate=1e-1 --decay_step=50,150"
    assert f"train.py --arch=resnet20 {resnet} --epochs=1" in calls
    assert f"prune.py --arch=resnet32 --threshold=0.75 {resnet} --epochs=1" in calls
    assert f"prune.py --arch=vgg16 --threshold=0.95 {vgg} --epochs=1" in calls
    assert f"prune.py --arch=densenet40 --threshold=0.6 {paper} --epochs=1" in calls
    assert f"train.py --arch=densenet40 {paper} {densenet} --epochs=1" in calls


@pytest.mark.parametrize("script", [train, prune])
def test_the_papers_flags_are_taken_by_the_scripts(shell, script):
    shell("test")
    for call in shell("paper", "--data=digits")[2]:
        name, *arguments = call.split()
        if name == f"{script.__name__}.py":
            with flagsaver.flagsaver():
                script.define_flags()
                assert commandline.parse([name, *arguments]) == [name]
                commandline.refuse_idle({**flags.dataset.idle(), **flags.training.idle()})
                assert flags.training.recipe(seed=0).decay_steps


def test_a_failing_job_fails(shell, tmp_path):
    shell("test")
    (tmp_path / "bin" / "python").write_text('#!/bin/sh\n[ "$1" = -c ] && exec true\nexit 3\n')
    assert shell("test")[0] == 3


def test_an_unknown_job_lists_the_jobs(shell):
    code, output, calls = shell("trian")
    assert code == 2
    assert "unknown job 'trian'. Valid jobs: main, test, paper, help." in output
    assert calls == []


@pytest.mark.parametrize("word", ["help", "--help", "-h"])
def test_help_lists_the_jobs_without_installing(shell, word):
    code, output, calls = shell(word)
    assert code == 0
    assert all(f"\n  {job} " in output for job in ("main", "test", "paper", "help"))
    assert calls == []


def test_an_old_python_is_refused(shell):
    code, output, calls = shell("test", TOO_OLD="1")
    assert code == 1
    assert "expected Python 3.11 or newer" in output
    assert "Python 3.10.1" in output
    assert calls == []


def test_continuous_integration_calls_the_test_job():
    assert (ROOT / ".ci" / "run").read_text().splitlines()[1:] == [
        'exec "$(dirname "$0")/../run.sh" test'
    ]


def test_the_presets_it_names_exist():
    named = {word.split("=")[1] for word in (ROOT / "run.sh").read_text().split() if "cfg" in word}
    assert named
    assert named <= {str(path.relative_to(ROOT)) for path in presets()}
