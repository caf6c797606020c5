"""The optimizer, the course of its learning rate, and its weight decay."""

from absl import flags

from tfprune.training import schedules

RATE = ("learning_rate", "schedule", "decay_step", "decay_factor", "warmup")
SETTINGS = ("optimizer", *RATE, "momentum", "nesterov", "weight_decay", "decay_all",
            "clip_norm")  # fmt: skip


def define(*, decay_step: str) -> None:
    """Define the flags.

    Args:
        decay_step: default of --decay_step.
    """
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
    flags.DEFINE_float(
        "clip_norm",
        0.0,
        "Norm to which the gradient of a step is shortened; 0: none, but soft pruning then clips "
        "at 1.",
        lower_bound=0.0,
    )
    _define_rate(decay_step)


def _define_rate(decay_step: str) -> None:
    flags.DEFINE_enum(
        "schedule",
        "step",
        schedules.names(),
        "Course of the learning rate.",
    )
    flags.DEFINE_list(
        "decay_step",
        decay_step.split(","),
        "Epochs at whose start the learning rate is multiplied by --decay_factor.",
    )
    flags.DEFINE_float("decay_factor", 0.1, "Factor of --schedule=step, in (0, 1).", 0.0, 1.0)
    flags.DEFINE_float("warmup", 0.0, "Epochs of a linear rise to --learning_rate.", 0.0)
