"""Measure a saved model on a data set's test split: accuracy, cost, size and latency.

Example: python evaluate.py --model runs/digits/trained/resnet20/resnet20.keras --data digits
"""

from pathlib import Path

import flags.dataset
import flags.model_file
import flags.strategy
from flags import commandline
from flags.progress import Progress

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

from absl import logging

import tfprune.data
from tfprune import files, reporting, runs, training
from tfprune.distribution import strategies


def define_flags() -> None:
    """Define the flags."""
    flags.model_file.define()
    flags.dataset.define()
    flags.dataset.define_batch_size()
    flags.strategy.define()


@flags.strategy.distributed
def main(argv: list[str]) -> None:
    """Read the flags and evaluate."""
    del argv
    commandline.refuse_idle(flags.dataset.idle())
    path = flags.model_file.path()
    data = tfprune.data.load(**flags.dataset.values())
    feeding = runs.Feeding(flags.dataset.batch_size(), **flags.dataset.preparation())
    logging.info("%s on the test split of %s\n%s", path, data.name, evaluate(path, data, feeding))


def evaluate(
    path: Path, data: tfprune.data.DataSet, feeding: runs.Feeding
) -> reporting.Measurement | None:
    """Measure a saved model; of several workers the chief says what came of it.

    Args:
        path: its `.keras` or `.h5` file.
        data: the data set; the test split is used.
        feeding: how images become batches.
    """
    runs.require_same(path.parent, feeding.record(data))
    model = files.load_model(path)
    feeding.preprocessing(data).require_fit(model)
    with Progress("Evaluating"):
        results = training.evaluate(model, feeding.plain(data.test), task=data.task)
    with Progress("Timing"):
        return strategies.on_chief(
            lambda model: reporting.measure(model, results=results, path=path), (model, path)
        )


if __name__ == "__main__":
    commandline.run(main, define_flags)
