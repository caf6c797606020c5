"""How a network is trained, from scratch or after pruning."""

from typing import Any

from absl import flags

from tfprune.errors import PruningError
from tfprune.training import Recipe

FLAGS = flags.FLAGS
# Of --epochs=0 only the batch size is used, to evaluate with.
_NEEDS_EPOCHS = (
    "optimizer",
    "learning_rate",
    "schedule",
    "decay_step",
    "decay_factor",
    "warmup",
    "momentum",
    "nesterov",
    "weight_decay",
    "decay_all",
    "label_smoothing",
    "restore_best",
    "precision",
    "augment",
)

_RATE = ("learning_rate", "schedule", "decay_step", "decay_factor", "warmup")


def define(*, epochs: int, decay_step: str) -> None:
    """Define the flags of training.

    Args:
        epochs: default of --epochs.
        decay_step: default of --decay_step.
    """
    flags.DEFINE_integer("epochs", epochs, "Epochs.", lower_bound=0)
    flags.DEFINE_integer("batch_size", 128, "Images per step.", lower_bound=1)
    _define_optimizer()
    _define_schedule(decay_step)
    flags.DEFINE_bool(
        "restore_best",
        True,
        "Keep the epoch that the validation split likes best; else, or without one, the last.",
    )
    flags.DEFINE_float("label_smoothing", 0.0, "Label smoothing, in [0, 1).", 0.0, 1.0)
    flags.DEFINE_enum(
        "precision",
        "float32",
        ["float32", "mixed_bfloat16", "mixed_float16"],
        "Precision of the computation; weights are float32.",
    )
    flags.DEFINE_string(
        "augment",
        None,
        "Augmentation: none, crop, crop_flip or shift_flip; without it what suits the data set.",
    )


def _define_optimizer() -> None:
    flags.DEFINE_enum("optimizer", "adam", ["adam", "sgd"], "Optimizer.")
    flags.DEFINE_float("learning_rate", 1e-3, "Initial learning rate.", lower_bound=0.0)
    flags.DEFINE_float("momentum", 0.9, "Momentum of sgd, in [0, 1).", 0.0, 1.0)
    flags.DEFINE_bool("nesterov", False, "Nesterov's momentum of sgd.")
    flags.DEFINE_float(
        "weight_decay",
        2e-4,
        "L2 coefficient: this share of a weight is added to its gradient, as the papers do. The "
        "default is the similarity paper's l2(1e-4) in Keras' terms.",
        lower_bound=0.0,
    )
    flags.DEFINE_bool("decay_all", True, "Also decay biases and normalisations.")


def _define_schedule(decay_step: str) -> None:
    flags.DEFINE_enum(
        "schedule",
        "step",
        ["step", "cosine", "one_cycle", "constant"],
        "Course of the learning rate.",
    )
    flags.DEFINE_list(
        "decay_step",
        decay_step.split(","),
        "Epochs at whose start the learning rate is multiplied by --decay_factor.",
    )
    flags.DEFINE_float("decay_factor", 0.1, "Factor of --schedule=step, in (0, 1).", 0.0, 1.0)
    flags.DEFINE_float("warmup", 0.0, "Epochs of a linear rise to --learning_rate.", 0.0)


def recipe(seed: int, epochs: int | None = None) -> Recipe | None:
    """Return how to train, None for no epochs.

    Args:
        seed: of everything random in the training.
        epochs: how long; None: as --epochs says.

    Raises:
        PruningError: a value out of range, or --decay_step is no list of epochs.
    """
    epochs = FLAGS.epochs if epochs is None else epochs
    if epochs == 0:
        return None
    step, sgd = FLAGS.schedule == "step", FLAGS.optimizer == "sgd"
    return Recipe(
        epochs=epochs,
        optimizer=FLAGS.optimizer,
        learning_rate=FLAGS.learning_rate,
        momentum=FLAGS.momentum if sgd else None,
        nesterov=FLAGS.nesterov and sgd,
        weight_decay=FLAGS.weight_decay,
        decay_all=FLAGS.decay_all or FLAGS.weight_decay == 0,
        schedule=FLAGS.schedule,
        decay_steps=_epochs(FLAGS.decay_step) if step else (),
        decay_factor=FLAGS.decay_factor if step else None,
        warmup_epochs=FLAGS.warmup,
        label_smoothing=FLAGS.label_smoothing,
        precision=None if FLAGS.precision == "float32" else FLAGS.precision,
        restore_best=None if FLAGS.restore_best else False,
        seed=seed,
    )


def batches() -> dict[str, Any]:
    """Return how images become batches, as `tfprune.reporting.Feeding` takes it."""
    return {"batch_size": FLAGS.batch_size, "augment": FLAGS.augment}


def idle(*, between: int = 0, rated: bool = False) -> dict[str, str]:
    """Return the flags without effect, with the reason.

    Args:
        between: epochs of training between the cuts of a schedule.
        rated: whether that training has a rate of its own.
    """
    if FLAGS.epochs == 0 and between == 0:
        return dict.fromkeys(_NEEDS_EPOCHS, "nothing is trained with --epochs=0.")
    found = {}
    if FLAGS.epochs == 0 and rated:
        found = dict.fromkeys(_RATE, "--layer_lr sets the rate, and --epochs=0 trains no further.")
    if FLAGS.schedule != "step":
        reason = f"it belongs to --schedule=step, not {FLAGS.schedule}."
        found |= dict.fromkeys(("decay_step", "decay_factor"), reason)
    if FLAGS.optimizer != "sgd":
        reason = f"it belongs to --optimizer=sgd, not {FLAGS.optimizer}."
        found |= dict.fromkeys(("momentum", "nesterov"), reason)
    if FLAGS.weight_decay == 0:
        found["decay_all"] = "there is no --weight_decay."
    return found


def _epochs(steps: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(step) for step in steps)
    except ValueError as error:
        raise PruningError(
            f"--decay_step: expected whole epochs such as 80,120, received {','.join(steps)}."
        ) from error
