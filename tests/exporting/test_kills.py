"""Killed by SIGKILL in the middle, an export leaves nothing that looks like one."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import pytest

from tfprune.errors import PruningError
from tfprune.exporting import export

ROOT = Path(__file__).parents[2]
# Each kills the process at the last moment before the file would get its name, or within.
MOMENTS = {
    "writing": "formats.saved_model.write_warm_up = lambda *given: die()",
    "comparing": "formats.saved_model.load = lambda *given: die()",
    "naming": "pathlib.Path.rename = lambda *given: die()",
    "converting": "formats.tflite.write = lambda model, path: (path.write_bytes(b'half'), die())",
    "listing": "serving.write_companions = writing.write_companions = lambda *given, **more: die()",
}
QUICK = ("naming", "listing")
PROGRAM = """
    import os, pathlib, signal, sys
    import keras
    from tfprune.exporting import export, formats, serving, writing
    import tfprune.exporting.formats.saved_model, tfprune.exporting.formats.tflite

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    image = keras.Input((4,), name="image")
    model = keras.Model(image, keras.layers.Dense(3, name="head")(image))
    {moment}
    export(model, sys.argv[1], formats=["saved_model", "tflite"], name="mine")
"""


def visible(folder):
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize(
    "moment",
    [x if x in QUICK else pytest.param(x, marks=pytest.mark.slow) for x in MOMENTS],
)
def test_the_next_export_finds_nothing_half_written(moment, tmp_path):
    program = textwrap.dedent(PROGRAM).format(moment=MOMENTS[moment])
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, tmp_path], cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    numbered = moment in ("converting", "listing")  # what has its name is whole
    assert visible(tmp_path) == {"mine"} | ({"model.tflite"} if moment == "listing" else set())
    assert visible(tmp_path / "mine") == ({"1"} if numbered else set())
    assert list(tmp_path.rglob(".*"))

    image = keras.Input((4,), name="image")
    model = keras.Model(image, keras.layers.Dense(3, name="head")(image))
    paths = export(model, tmp_path, formats=["saved_model", "tflite"], name="mine")
    assert paths["saved_model"].name == ("2" if numbered else "1")
    assert list(tmp_path.rglob(".*")) == []
    with pytest.raises(PruningError, match="The target .*model.tflite of format 'tflite' exists"):
        export(model, tmp_path, formats=["tflite"])  # what is whole is nobody's leftover
