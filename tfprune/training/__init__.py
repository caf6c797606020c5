"""Training and fine-tuning with one loop, under any `tf.distribute` strategy."""

from tfprune.training.distillation import Distillation
from tfprune.training.evaluation import evaluate
from tfprune.training.loop import History, fine_tune
from tfprune.training.outputs import without_auxiliary
from tfprune.training.recalibration import recalibrate, require_statistics
from tfprune.training.recipe import Recipe

__all__ = [
    "Distillation",
    "History",
    "Recipe",
    "evaluate",
    "fine_tune",
    "recalibrate",
    "require_statistics",
    "without_auxiliary",
]
