"""Train a network, from scratch or from another model's weights: the baseline of prune.py.

Example: python train.py --arch resnet20 --batch-size 32
"""

from pathlib import Path

import flags.architecture
import flags.dataset
import flags.model_file
import flags.runs
import flags.strategy
import flags.tracking
import flags.training
from flags import commandline, training_progress
from flags.progress import Progress

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import keras
import tensorflow as tf
from absl import logging

import models
import tfprune.data
from tfprune import files, reporting, runs, training, weights
from tfprune.distribution import strategies
from tfprune.errors import PruningError


def define_flags() -> None:
    """Define the flags, with the similarity paper's defaults for training."""
    flags.architecture.define()
    flags.model_file.define_start()
    flags.dataset.define()
    flags.training.define(epochs=200, decay_step="80,120,160,180")
    flags.runs.define(save_dir="runs/{data}/trained/{arch}", fields="arch, data")
    flags.strategy.define()
    flags.tracking.define()


@flags.strategy.distributed
def main(argv: list[str]) -> None:
    """Read the flags, take the folder and train."""
    del argv
    idle = {**flags.dataset.idle(), **flags.training.idle()}
    commandline.refuse_idle(idle)
    arch, seed = flags.architecture.name(), flags.runs.seed()
    data = tfprune.data.load(**flags.dataset.values())
    feeding = runs.Feeding(**flags.training.batches(), **flags.dataset.preparation(), seed=seed)
    recipe = flags.training.suited(flags.training.recipe(seed), data)
    model = started(build(arch, data, seed), flags.model_file.start())
    folder = runs.own_folder(flags.runs.expand("save_dir", arch=arch, data=data.name))
    flags.tracking.require()
    settings = commandline.record(idle, data.fingerprint)
    if runs.claim(folder, settings, **flags.runs.conflicts()) == "finished":
        logging.info("Reused, finished before: %s\n%s", folder, runs.report_text(folder))
        return
    logging.info("Training %s on %s into %s", arch, data.name, folder)
    logging.info("%s", train(model, data, folder, feeding=feeding, recipe=recipe))
    flags.tracking.tell(folder)


def build(arch: str, data: tfprune.data.DataSet, seed: int) -> keras.Model:
    """Return a network for a data set with fresh weights, with the heads that help it to train.

    Args:
        arch: a name of `models.names()`.
        data: says the number of classes and the images' shape.
        seed: of the weights.

    Raises:
        PruningError: the network cannot take such images.
    """
    keras.utils.set_random_seed(seed)
    helped = {"aux_head": True} if "aux_head" in models.options(arch) else {}
    if data.colours is not None and tf.distribute.get_strategy().num_replicas_in_sync > 1:
        helped["bn_synchronized"] = True  # a replica has few photographs in a batch
    shape = {"num_classes": data.num_classes, "input_shape": data.input_shape}
    try:
        return models.build(arch, **shape, **helped)
    except ValueError as error:
        raise PruningError(f"{arch} cannot be built for {data.name}: {error}") from error


def started(model: keras.Model, source: Path | None) -> keras.Model:
    """Return a network with the weights of a saved model, where its layers are the same.

    Args:
        model: the network with fresh weights.
        source: the saved model's file; None: the weights stay fresh.

    Raises:
        PruningError: the file cannot be read, or no layer fits.
    """
    if source is None:
        return model
    model, fresh = weights.take_over(model, files.load_model(source))
    logging.info("Weights of %s; fresh: %s", source, ", ".join(fresh) or "none")
    return model


def train(
    model: keras.Model,
    data: tfprune.data.DataSet,
    folder: Path,
    *,
    feeding: runs.Feeding,
    recipe: training.Recipe | None,
) -> str:
    """Train a network and write it with its report into a folder.

    Args:
        model: the network with its initial weights; its name becomes the file's.
        data: the data set; the test split is used for the report only.
        folder: where everything goes; a training that was interrupted in it goes on.
        feeding: how images become batches.
        recipe: how to train; None: not at all.

    Returns:
        The report as text.
    """
    with training_progress.told("Training") as callbacks:
        model, history = runs.train_recorded(
            model, data, folder, feeding=feeding, recipe=recipe, callbacks=callbacks,
            verbose=flags.strategy.verbose(),
        )  # fmt: skip
    model = training.without_auxiliary(model, data.task)
    path = folder / f"{model.name}.keras"
    feeding.preprocessing(data).save(folder)
    files.save_model(model, path)
    with Progress("Evaluating"):
        results = training.evaluate(model, feeding.plain(data.test), task=data.task)

    def finish(model: keras.Model) -> str:
        with Progress("Timing"):
            measured = reporting.measure(model, results=results, path=path)
        parts = {"on the test split": measured, "written to": folder}
        values = {
            "arch": model.name,
            "seed": feeding.seed,
            **feeding.trained_on(data),
            "best_epoch": history.best_row,
            **measured.to_json(),
        }
        return reporting.finish(folder, f"{model.name} trained on {data.name}", parts, values)

    return strategies.on_chief(finish, (model, path)) or ""


if __name__ == "__main__":
    commandline.run(main, define_flags)
