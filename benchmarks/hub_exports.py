"""Export keras-hub's backbones, opened and cut to half, and compare each file with Keras.

    python -m benchmarks.hub_exports [NAME ...]   (pip install keras-hub, and tfprune[export])

Each backbone is opened, half of its free units go at random, and what is left is written as
SavedModel, LiteRT and ONNX by `tfprune.export`, which loads every file in its own runtime.
"""

import sys
import tempfile
from collections.abc import Sequence

import keras
import numpy as np

import tfprune
from benchmarks.hub import build, random_masks

NAMES = "ViT", "SegFormer", "SmolLM3", "GptOss"
FORMATS = "saved_model", "tflite", "onnx"
_LENGTH = 16  # of a text
_WORDS = 20


def drawn(model: keras.Model) -> list[np.ndarray]:
    """Return three random samples for each input: images, words, masks that hide nothing."""
    rng = np.random.default_rng(0)

    def draw(x: keras.KerasTensor) -> np.ndarray:
        shape = (3, *(size or _LENGTH for size in x.shape[1:]))
        if "float" in x.dtype:
            return rng.standard_normal(shape).astype(x.dtype)
        if "mask" in x.name:
            return np.ones(shape, x.dtype)
        return rng.integers(0, _WORDS, shape).astype(x.dtype)

    return [draw(x) for x in model.inputs]


def exported(small: keras.Model, form: str) -> str:
    """Return the difference of a format to Keras, or why there is none.

    Args:
        small: a pruned model.
        form: the format.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = tfprune.export(small, folder, formats=[form], inputs=drawn(small))
        except tfprune.PruningError as error:
            return f"refused: {error}"
    return f"{made.checks[form].difference:.0e}"


def main(names: Sequence[str]) -> None:
    """Print a table with a line for each backbone."""
    print("| backbone |", " | ".join(FORMATS), "|\n|" + "---|" * (len(FORMATS) + 1))
    for name in names or NAMES:
        graph = tfprune.analyse(build(name))
        small = tfprune.rebuild(graph, random_masks(graph, 0.5))
        found = [exported(small, form) for form in FORMATS]
        print(f"| {name} |", " | ".join(found), "|", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main(sys.argv[1:])
