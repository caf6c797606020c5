"""Prune a baseline that train.py wrote, verify, fine-tune, export and compare.

Example: python prune.py --arch resnet20 --data digits --method gfbs --ratio 0.5
"""

from pathlib import Path
from typing import Any

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
from flags import commandline
from flags.progress import Progress

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import keras
from absl import logging

import tfprune.data
from tfprune import (
    criteria,
    files,
    plugins,
    reporting,
    runs,
    schedules,
    tasks,
    training,
)
from tfprune.distribution import strategies
from tfprune.errors import PruningError
from tfprune.exporting import Exported, require_formats, write_metadata
from tfprune.passes.progress import telling
from tfprune.pruning import require_possible
from tfprune.scoring.scoring import criterion_options


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
    recipe, formats = flags.training.recipe(seed), flags.exporting.formats()
    recipe = flags.training.suited(recipe, data)
    between_cuts = flags.training.suited(flags.stage_training.recipe(seed, between, schedule), data)
    fields = {"arch": arch, "data": data.name}
    trained = Path(flags.runs.expand("pretrain_dir", **fields)) / f"{arch}.keras"
    baseline = own or trained
    fields |= {"method": request["method"], "amount": flags.pruning.label(schedule)}
    folder = runs.own_folder(flags.runs.expand("save_dir", **fields))
    if folder.resolve() == baseline.parent.resolve():
        raise PruningError(
            f"--save_dir is the folder of the model to prune, {folder}: the pruned model would "
            "replace it. Choose another --save_dir."
        )
    model = files.load_model(own) if own else load_baseline(baseline, arch, data.name)
    feeding.preprocessing(data).require_fit(model)
    options = flags.amount.counted(request["options"], None if own else arch, model)
    implied = {**aids(request["method"], schedule, folder), **in_task(request["method"], data)}
    request["options"] = {**implied, **options}
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
    shipping = None
    if formats:
        require_formats(model, formats)
        shipping = runs.Shipping(
            formats, flags.exporting.name(baseline), flags.exporting.images(),
            **flags.exporting.bounds(),
        )  # fmt: skip
    if flags.pruning.figures():
        reporting.require_figures(plan.method, data)
    runs.require_same(baseline.parent, feeding.trained_on(data))
    settings = commandline.record(idle, data.fingerprint)
    if runs.claim(folder, settings, **flags.runs.conflicts()) == "finished":
        logging.info("Reused, finished before: %s\n%s", folder, runs.report_text(folder))
        return
    logging.info("Pruning %s into %s", baseline, folder)
    text = prune(
        model,
        baseline,
        data,
        folder,
        plan=plan,
        feeding=feeding,
        recipe=recipe,
        shipping=shipping,
    )
    logging.info("%s", text)
    flags.tracking.tell(folder)
    if flags.pruning.figures():
        path = folder / f"{baseline.stem}.keras"
        strategies.on_chief(lambda model: draw(model, path, data, feeding, plan), (model, baseline))


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


def aids(method: str, schedule: str, folder: Path) -> dict[str, Any]:
    """Return what a method that takes long gets: a folder to resume from.

    Args:
        method: name of the method.
        schedule: name of the schedule; one that scores a model twice has no use for a cache.
        folder: the run's folder.
    """
    own = {"cache_dir": folder / "scoring"}
    if not plugins.find(schedules, schedule, "schedule of pruning").SCHEDULE.scores_once:
        own.pop("cache_dir")
    taken = criterion_options(plugins.find(criteria, method, "method"))
    return {name: value for name, value in own.items() if name in taken}


def in_task(method: str, data: tfprune.data.DataSet) -> dict[str, Any]:
    """Return what tells a method that asks for it what the labels are for.

    Args:
        method: name of the method.
        data: the data set.
    """
    if data.task.name == tasks.find().name:
        return {}
    takes = criterion_options(plugins.find(criteria, method, "method"))
    return {"task": data.task.name} if "task" in takes else {}


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
    with telling(Progress("Pruning", plan.samples)):
        cut = stages.run()
    logging.info("%s", cut.text)
    small = cut.model
    on_the_way = {"before fine-tuning": small}
    if plan.recalibration and not plan.kind.ends_trained:
        small = stages.recalibrated(small, "recalibrated")
        on_the_way["after recalibration"] = small
    solved = {}
    if plan.reconstruction:
        with telling(Progress("Reconstructing")):
            small, told = stages.reconstructed(small)
        solved = {"reconstruction": told}
        logging.info("%s", told)
        on_the_way["after reconstruction"] = small
    small, history = runs.train_recorded(
        small, data, folder, feeding=feeding, recipe=recipe, verbose=verbose
    )
    path = folder / f"{baseline.stem}.keras"
    preprocessing = feeding.preprocessing(data)
    preprocessing.save(folder)
    files.save_model(small, path)
    about = runs.origin(plan, model, cut.scores)
    write_metadata(path, small, about, preprocessing)
    test = feeding.plain(data.test)  # only now, when nothing is left to choose
    results = {
        when: training.evaluate(each, test, task=data.task) for when, each in on_the_way.items()
    }
    before, after = (training.evaluate(each, test, task=data.task) for each in (model, small))

    def finish(model: keras.Model, small: keras.Model) -> str:
        shipped = runs.Shipped(Exported({}, {}), {})
        if shipping:
            shipped = runs.ship(small, folder / "export", data, feeding, shipping, about)
        comparison = reporting.compare(
            model, small, results=(before, after), paths=(baseline, path)
        )
        parts = {
            "verification": cut.text,
            **solved,
            **{
                f"{name} {when}": tasks.told(name, found[name])
                for when, found in results.items()
                for name in [tasks.headline(found)]
            },
            "on the test split": comparison,
            **exported_parts(shipped, comparison),
            "written to": "\n".join(map(str, (path, *shipped.exported.values()))),
        }
        masks = stages.masks()
        values = {
            "baseline": str(baseline),
            "arch": model.name,
            "seed": feeding.seed,
            **feeding.trained_on(data),
            **plan.to_json(),
            "verification": cut.verification(),
            "channels": {name: [int(mask.sum()), len(mask)] for name, mask in masks.items()},
            "seconds": cut.seconds,
            **{when.replace(" ", "_").replace("-", "_"): found for when, found in results.items()},
            "best_epoch": history.best_epoch,
            "metadata": about,
            "exported": shipped.to_json(),
            **comparison.to_json(),
        }
        graph = tfprune.analyse(model, allow_inexact=stages.inexact)
        details = {
            "observations": [*cut.observations, *shipped.not_kept],
            "layers": reporting.layer_rows(graph, masks, small),
            "keep": {name: mask.tolist() for name, mask in masks.items()},
            "scores": {name: list(map(float, scores)) for name, scores in cut.scores.items()},
            "training": runs.MetricsFile(folder / "metrics.csv").rows() if recipe else [],
            "flags": files.read_text(folder / runs.SETTINGS, "Prune again."),
        }
        title = f"{baseline.stem} on {data.name} pruned by {plan.method}"
        return reporting.finish(folder, title, parts, values, details)

    return strategies.on_chief(finish, (model, baseline), (small, path)) or ""


def exported_parts(shipped: runs.Shipped, comparison: reporting.Comparison) -> dict[str, str]:
    """Return what the report tells of the exported files.

    Args:
        shipped: what was exported.
        comparison: of the unpruned and the pruned model.
    """
    sides = []
    for side in (comparison.before, comparison.after):
        name = tasks.headline(side.results)
        sides.append((side.file_bytes or 0, tasks.told(name, side.results[name])))
    found = {
        "exported, compared with the pruned model": str(shipped.exported),
        "gained by pruning and by integers": shipped.gains(*sides),
        "not exported": "\n".join(shipped.not_kept),
    }
    kept = {heading for heading, text in found.items() if text}
    if not shipped.exported:
        kept.discard("exported, compared with the pruned model")
    return {heading: text for heading, text in found.items() if heading in kept}


if __name__ == "__main__":
    commandline.run(main, define_flags)
