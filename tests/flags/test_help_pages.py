"""--help: in groups, with valid names, and the second time without importing TensorFlow."""

import resource
import subprocess
import sys

from flags import help_pages
from tfprune import criteria, plugins


def test_help_shows_groups_and_names_and_is_quick_the_second_time():
    texts = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = subprocess.run(
            [sys.executable, "prune.py", "--help"],
            cwd=help_pages.ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        texts.append(done.stdout)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert spent < 1  # second of the processor: others may be at work
    assert texts[0] == texts[1]
    text = " ".join(texts[0].split())
    assert text.startswith("Prune a baseline")
    assert f"Pruning method: {', '.join(plugins.names(criteria))}." in text
    assert "Data set: cifar10, cifar100, digits, folder, imagenet, npz, voc." in text
    assert "resnet20" in text
    assert "How much is told. --verbosity=" in text
    assert text.index("Which network.") < text.index("How much is pruned.")


def test_who_stops_reading_is_not_shown_a_traceback():
    words = "import runpy; runpy.run_path('flags/help_pages.py')['_end_with']('x' * 10**6)"
    with subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-c", words], cwd=help_pages.ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdout.read(3) == "xxx"
        program.stdout.close()
        assert program.stderr.read() == ""
    assert program.returncode == 0


def test_a_question_of_another_program_is_left_alone():
    help_pages.answer(["pytest", "--help"])
    help_pages.answer(["prune.py", "--data=digits"])
