"""Prune a baseline that train.py wrote, verify, fine-tune, export and compare.

Example: python prune.py --arch resnet20 --data digits --method gfbs --ratio 0.5
"""

from dataclasses import replace
from pathlib import Path

import flags.amount
import flags.architecture
import flags.dataset
import flags.exporting
import flags.model_file
import flags.pruning
import flags.reconstruction
import flags.runs
import flags.schedule
import flags.stage_training
import flags.strategy
import flags.tracking
import flags.training
from flags import commandline, training_progress
from flags.progress import Progress

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import keras
from absl import logging

import tfprune.data
from tfprune import files, reporting, runs, training
from tfprune.distribution import strategies
from tfprune.errors import PruningError
from tfprune.exporting import require_formats, write_metadata
from tfprune.pruning import require_possible


def define_flags() -> None:
    """Define the flags, with the similarity paper's defaults for pruning and fine-tuning."""
    flags.architecture.define()
    flags.model_file.define()
    flags.dataset.define()
    flags.exporting.define()
    flags.pruning.define(pretrain_dir="runs/{data}/trained/{arch}")
    flags.schedule.define()
    flags.reconstruction.define()
    flags.training.define(epochs=160, decay_step="80,120")
    flags.stage_training.define()
    flags.runs.define(
        save_dir="runs/{data}/pruned/{arch}_{method}_{amount}", fields="arch, data, method, amount"
    )
    flags.strategy.define()
    flags.tracking.define()


@flags.strategy.distributed
def main(argv: list[str]) -> None:
    """Read the flags, take the folder and prune."""
    del argv
    request, schedule = flags.pruning.request(), flags.schedule.name(flags.pruning.schedule())
    between = flags.schedule.stage_epochs(schedule)
    idle = {
        **flags.model_file.idle(),
        **flags.dataset.idle(),
        **flags.training.idle(between=between, elsewhere=flags.stage_training.elsewhere()),
        **flags.pruning.idle(),
        **flags.reconstruction.idle(),
        **flags.schedule.idle(schedule),
        **flags.exporting.idle(),
    }
    commandline.refuse_idle(idle)
    seed, own = flags.runs.seed(), flags.model_file.given()
    arch = own.stem if own else flags.architecture.name()
    data = tfprune.data.load(**flags.dataset.values())
    feeding = runs.Feeding(**flags.training.batches(), **flags.dataset.preparation(), seed=seed)
    recipe = flags.training.suited(flags.training.recipe(seed), data)
    between_cuts = flags.training.suited(flags.stage_training.recipe(seed, between, schedule), data)
    fields = {"arch": arch, "data": data.name}
    baseline = own or Path(flags.runs.expand("pretrain_dir", **fields)) / f"{arch}.keras"
    folder = run_folder(
        baseline, **fields, method=request["method"], amount=flags.pruning.label(schedule)
    )
    model = files.load_model(own) if own else load_baseline(baseline, arch, data.name)
    feeding.preprocessing(data).require_fit(model)
    request["options"] = {
        **runs.implied_options(request["method"], schedule, folder, data.task),
        **flags.amount.counted(request["options"], None if own else arch, model),
    }
    plan = runs.Plan(
        **request,
        schedule=schedule,
        recipe=between_cuts,
        recalibration=flags.schedule.recalibration(),
        reconstruction=flags.reconstruction.images(),
        passes=flags.reconstruction.passes(),
        settings=flags.schedule.values(schedule),
    )
    require_possible(model, plan.method, **plan.options)
    if plan.recalibration:
        training.require_statistics(model)
    flags.tracking.require()
    shipping = shipping_for(model, baseline)
    if flags.pruning.figures():
        reporting.require_figures(plan.method, data)
    runs.require_same(baseline.parent, feeding.trained_on(data))
    settings = commandline.record(idle, data.fingerprint)
    if runs.claim(folder, settings, **flags.runs.conflicts()) == "finished":
        logging.info("Reused, finished before: %s\n%s", folder, runs.report_text(folder))
        return
    logging.info("Pruning %s into %s", baseline, folder)
    how = {"plan": plan, "feeding": feeding, "recipe": recipe, "shipping": shipping}
    logging.info("%s", prune(model, baseline, data, folder, **how))
    flags.tracking.tell(folder)
    if flags.pruning.figures():
        path = folder / f"{baseline.stem}.keras"
        strategies.on_chief(lambda model: draw(model, path, data, feeding, plan), (model, baseline))


def run_folder(baseline: Path, **fields: str) -> Path:
    """Return the folder that the run goes into.

    Args:
        baseline: file of the model to prune.
        **fields: what the folder's name may hold.

    Raises:
        PruningError: it is the folder of the model to prune.
    """
    folder = runs.own_folder(flags.runs.expand("save_dir", **fields))
    if folder.resolve() == baseline.parent.resolve():
        raise PruningError(
            f"--save_dir is the folder of the model to prune, {folder}: the pruned model would "
            "replace it. Choose another --save_dir."
        )
    return folder


def shipping_for(model: keras.Model, baseline: Path) -> runs.Shipping | None:
    """Return what is exported, None for nothing.

    Args:
        model: the model to prune.
        baseline: its file, whose name the exported model is served under.

    Raises:
        PruningError: a format that cannot hold the model.
    """
    formats = flags.exporting.formats()
    if not formats:
        return None
    require_formats(model, formats)
    return runs.Shipping(
        formats, flags.exporting.name(baseline), flags.exporting.images(),
        **flags.exporting.bounds(),
    )  # fmt: skip


def draw(
    model: keras.Model,
    path: Path,
    data: tfprune.data.DataSet,
    feeding: runs.Feeding,
    plan: runs.Plan,
) -> None:
    """Draw the pictures of a finished run.

    Args:
        model: the unpruned model.
        path: the pruned one's file, in the run's folder.
        data: the data set.
        feeding: how images become batches.
        plan: what was pruned, and how.
    """
    models, masks = (model, files.load_model(path)), runs.load_masks(path.parent / "masks.npz")
    for drawn in reporting.write_figures(path.parent, models, masks, data, feeding, plan):
        logging.info("Drawn: %s", drawn)


def load_baseline(path: Path, arch: str, data: str) -> keras.Model:
    """Return the baseline.

    Args:
        path: its file.
        arch: the network's name, for the command that trains it.
        data: the data set's name, likewise.

    Raises:
        PruningError: there is no such file, it cannot be loaded, or it is of another network.
    """
    if not path.exists():
        raise PruningError(
            f"There is no model file {path}. Make it with `python train.py --arch {arch} --data "
            f"{data}`, name its folder with --pretrain_dir, or a file of your own with --model."
        )
    model = files.load_model(path)
    if model.name != arch:
        raise PruningError(
            f"{path} is no {arch}: the model in it is called {model.name!r}. Name the file with "
            "--model if it is to be pruned as it is, or choose another --arch."
        )
    return model


def prune(
    model: keras.Model,
    baseline: Path,
    data: tfprune.data.DataSet,
    folder: Path,
    *,
    plan: runs.Plan,
    feeding: runs.Feeding,
    recipe: training.Recipe | None,
    shipping: runs.Shipping | None = None,
) -> str:
    """Prune a model and write what came of it with its report into a folder.

    Args:
        model: the model to prune.
        baseline: its file; the pruned model's gets the same name.
        data: the data set; the test split is used for the report only.
        folder: where everything goes; a run that was interrupted in it goes on.
        plan: what is pruned, and when.
        feeding: how images become batches.
        recipe: how to fine-tune; None: not at all.
        shipping: what is exported; None for nothing.

    Returns:
        The report as text.
    """
    verbose = flags.strategy.verbose()
    stages = runs.Stages(model, data, folder, plan, feeding, verbose)
    with Progress("Pruning", plan.samples):
        cut = stages.run()
    logging.info("%s", cut.text)
    small = cut.model
    on_the_way = {"before fine-tuning": small}
    if plan.recalibration and not plan.kind.ends_trained:
        with Progress("Recalibrating"):
            small = stages.recalibrated(small, "recalibrated")
        on_the_way["after recalibration"] = small
    solved = ""
    if plan.reconstruction:
        with Progress("Reconstructing"):
            small, solved = stages.reconstructed(small)
        logging.info("%s", solved)
        on_the_way["after reconstruction"] = small
    with training_progress.told("Fine-tuning") as callbacks:
        small, history = runs.train_recorded(
            small, data, folder, feeding=feeding, recipe=recipe, callbacks=callbacks,
            verbose=verbose,
        )  # fmt: skip
    path = folder / f"{baseline.stem}.keras"
    preprocessing = feeding.preprocessing(data)
    preprocessing.save(folder)
    files.save_model(small, path)
    about = runs.origin(plan, model, cut.scores)
    write_metadata(path, small, about, preprocessing)
    test = feeding.plain(data.test)  # only now, when nothing is left to choose
    with Progress("Evaluating"):
        results = {
            when: training.evaluate(each, test, task=data.task) for when, each in on_the_way.items()
        }
        figures = [training.evaluate(each, test, task=data.task) for each in (model, small)]
    run = reporting.PruningRun(
        stages, baseline, path, cut, tuple(figures), results, history.best_row, about,
        reconstruction=solved, fine_tuned=recipe is not None,
    )  # fmt: skip

    def finish(model: keras.Model, small: keras.Model) -> str:
        shipped = runs.Shipped()
        if shipping:
            with Progress("Exporting"):
                shipped = runs.ship(small, folder / "export", data, feeding, shipping, about)
        with Progress("Reporting"):
            return replace(run, shipped=shipped).finish(model, small)

    return strategies.on_chief(finish, (model, baseline), (small, path)) or ""


if __name__ == "__main__":
    commandline.run(main, define_flags)
