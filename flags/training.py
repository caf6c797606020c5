"""How a network is trained, from scratch or after pruning."""

from absl import flags

FLAGS = flags.FLAGS
_OPTIMIZER = ("optimizer", "learning_rate", "schedule", "decay_step", "decay_rate", "warmup")
_NEEDS_EPOCHS = (*_OPTIMIZER, "momentum", "weight_decay", "augment", "precision")


def define(*, epochs: int, decay_step: str) -> None:
    """Define the flags of training.

    Args:
        epochs: default of --epochs.
        decay_step: default of --decay_step.
    """
    flags.DEFINE_integer("epochs", epochs, "Epochs.", lower_bound=0)
    flags.DEFINE_integer("batch_size", 128, "Images per step.", lower_bound=1)
    flags.DEFINE_enum("optimizer", "adam", ["adam", "sgd"], "Optimizer.")
    flags.DEFINE_float("learning_rate", 1e-3, "Initial learning rate.", lower_bound=0.0)
    flags.DEFINE_enum(
        "schedule", "step", ["step", "cosine", "constant"], "Course of the learning rate."
    )
    flags.DEFINE_list(
        "decay_step",
        decay_step.split(","),
        "Epochs after which the learning rate is multiplied by --decay_rate.",
    )
    flags.DEFINE_float("decay_rate", 0.1, "Factor of a step schedule.", 0.0, 1.0)
    flags.DEFINE_float("warmup", 0.0, "Epochs of a linear rise to --learning_rate.", 0.0)
    flags.DEFINE_float("momentum", 0.9, "Momentum of sgd.", 0.0, 1.0)
    flags.DEFINE_float(
        "weight_decay", 1e-4, "L2 coefficient added to the gradient, as the papers do.", 0.0
    )
    flags.DEFINE_enum(
        "precision",
        "float32",
        ["float32", "mixed_bfloat16", "mixed_float16"],
        "Precision of the computation; weights are float32.",
    )
    flags.DEFINE_bool("augment", True, "Shift and flip training images as the data set allows.")


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    if FLAGS.epochs == 0:
        return dict.fromkeys(_NEEDS_EPOCHS, "nothing is trained with --epochs=0.")
    found = {}
    if FLAGS.schedule != "step":
        reason = f"it belongs to --schedule=step, not {FLAGS.schedule}."
        found |= {"decay_step": reason, "decay_rate": reason}
    if FLAGS.optimizer != "sgd":
        found["momentum"] = f"it belongs to --optimizer=sgd, not {FLAGS.optimizer}."
    return found
