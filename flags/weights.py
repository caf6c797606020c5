"""Which weights from elsewhere, and for which form of a network."""

from pathlib import Path
from typing import Any

from absl import flags

from tfprune import weights
from tfprune.errors import PruningError

FLAGS = flags.FLAGS
_ONLY_TO_EVALUATE = (
    "data",
    "data_dir",
    "normalisation",
    "split_seed",
    "validation_size",
    "batch_size",
)


def define() -> None:
    """Define the flags of the checkpoint and of the network that takes its weights."""
    flags.DEFINE_string("checkpoint", None, "PyTorch's file: .pth, .pt or .safetensors.")
    flags.DEFINE_string(
        "layout", None, "What it calls its modules: a name of tfprune.weights.names()."
    )
    flags.DEFINE_multi_string(
        "ignore", [], "Pattern of tensors that may stay unused, e.g. 'aux_classifier.*'; repeats."
    )
    flags.DEFINE_bool("strict", True, "Refuse a checkpoint that does not match whole.")
    flags.DEFINE_integer("num_classes", None, "Classes; without it the network's own number.", 1)
    flags.DEFINE_list(
        "input_shape", None, "Height, width and channels, e.g. 224,224,3; without it its own."
    )
    flags.DEFINE_bool("aux_head", False, "Build a DeepLabV3 with its auxiliary head.")
    flags.DEFINE_bool("evaluate", False, "Measure the model on the test split of --data.")


def checkpoint() -> Path:
    """Return the checkpoint's file.

    Raises:
        PruningError: --checkpoint was not given.
    """
    if FLAGS.checkpoint is None:
        raise PruningError("--checkpoint is missing: expected a .pth, .pt or .safetensors file.")
    return Path(FLAGS.checkpoint)


def loading() -> dict[str, Any]:
    """Return the options of `tfprune.weights.load`.

    Raises:
        PruningError: --layout was not given; the valid names are listed.
    """
    if FLAGS.layout is None:
        raise PruningError(
            f"--layout is missing: expected one of {', '.join(weights.names())}, which says what "
            "the checkpoint calls its modules."
        )
    return {"layout": FLAGS.layout, "ignore": FLAGS.ignore, "strict": FLAGS.strict}


def network() -> dict[str, Any]:
    """Return the options of `models.build` that were given.

    Raises:
        PruningError: --input_shape is no list of whole numbers.
    """
    given: dict[str, Any] = {} if FLAGS.num_classes is None else {"num_classes": FLAGS.num_classes}
    if FLAGS.aux_head:
        given["aux_head"] = True
    if FLAGS.input_shape is not None:
        given["input_shape"] = _sizes(FLAGS.input_shape)
    return given


def evaluates() -> bool:
    """Return whether the model is measured on a data set."""
    return FLAGS.evaluate


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    if FLAGS.evaluate:
        return {}
    return dict.fromkeys(_ONLY_TO_EVALUATE, "nothing is evaluated without --evaluate.")


def _sizes(texts: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(text) for text in texts)
    except ValueError as error:
        raise PruningError(
            f"--input_shape: expected whole numbers such as 224,224,3, received {','.join(texts)}."
        ) from error
