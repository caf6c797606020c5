"""Prune a baseline that train.py wrote, verify, fine-tune, export and compare.

Example: python prune.py --arch resnet20 --data digits --method gfbs --ratio 0.5
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import flags.architecture
import flags.dataset
import flags.exporting
import flags.pruning
import flags.runs
import flags.training
from flags import commandline

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import keras
from absl import logging

import tfprune.data
from tfprune import artefacts, files, reporting, training
from tfprune.devices import use_gpu
from tfprune.errors import PruningError


def define_flags() -> None:
    """Define the flags, with the similarity paper's defaults for pruning and fine-tuning."""
    flags.architecture.define()
    flags.dataset.define()
    flags.exporting.define()
    flags.pruning.define(pretrain_dir="runs/{data}/trained/{arch}")
    flags.training.define(epochs=160, decay_step="80,120")
    flags.runs.define(
        save_dir="runs/{data}/pruned/{arch}_{method}_{amount}", fields="arch, data, method, amount"
    )


def main(argv: list[str]) -> None:
    """Read the flags, take the folder and prune."""
    del argv
    request = flags.pruning.request()
    idle = {**flags.dataset.idle(), **flags.training.idle(), **flags.pruning.idle()}
    commandline.refuse_idle(idle)
    use_gpu(flags.runs.gpu())
    seed, arch = flags.runs.seed(), flags.architecture.name()
    data = tfprune.data.load(**flags.dataset.values(), seed=seed)
    feeding = reporting.Feeding(
        **flags.training.batches(), **flags.dataset.preparation(), seed=seed
    )
    recipe, formats = flags.training.recipe(seed), flags.exporting.formats()
    fields = {"arch": arch, "data": data.name}
    baseline = Path(flags.runs.expand("pretrain_dir", **fields)) / f"{arch}.keras"
    fields |= {"method": request["method"], "amount": flags.pruning.label()}
    folder = Path(flags.runs.expand("save_dir", **fields))
    if folder.resolve() == baseline.parent.resolve():
        raise PruningError(
            f"--save_dir and --pretrain_dir are one folder, {folder}: the pruned model would "
            "replace its baseline. Choose another --save_dir."
        )
    model = files.load_model(baseline)
    if formats:
        artefacts.require_formats(model, formats)
    reporting.require_same(baseline.parent, feeding.record(data))
    if reporting.claim(folder, commandline.record(idle), **flags.runs.conflicts()) == "finished":
        logging.info("Reused, finished before: %s\n%s", folder, reporting.text(folder))
        return
    logging.info("Pruning %s into %s", baseline, folder)
    text = prune(
        model,
        baseline,
        data,
        folder,
        request=request,
        feeding=feeding,
        recipe=recipe,
        formats=formats,
    )
    logging.info("%s", text)


def prune(
    model: keras.Model,
    baseline: Path,
    data: tfprune.data.DataSet,
    folder: Path,
    *,
    request: Mapping[str, Any],
    feeding: reporting.Feeding,
    recipe: training.Recipe | None,
    formats: Sequence[str] = ("saved_model",),
) -> str:
    """Prune a model and write what came of it with its report into a folder.

    Args:
        model: the model to prune.
        baseline: its `.keras` file; the pruned model gets the same name.
        data: the data set; the test split is used for the report only.
        folder: where everything goes; a run that was interrupted in it goes on.
        request: `method`, `samples` and `options`, as for `cut`.
        feeding: how images become batches.
        recipe: how to fine-tune; None: not at all.
        formats: formats to export to; empty for none.

    Returns:
        The report as text.
    """
    small, proof = cut(model, data, folder, feeding=feeding, **request)
    test = feeding.plain(data.test)
    before, between = training.evaluate(model, test), training.evaluate(small, test)
    small, history = reporting.train_recorded(
        small, data, folder, feeding=feeding, recipe=recipe, verbose=1 if sys.stdout.isatty() else 2
    )
    path = folder / baseline.name
    files.save_model(small, path)
    exported = {}
    if formats:
        exported = tfprune.export(small, folder / "export", formats=formats, overwrite=True)
    comparison = reporting.compare(
        model, small, results=(before, training.evaluate(small, test)), paths=(baseline, path)
    )
    parts = {
        "verification": proof,
        "accuracy before fine-tuning": f"{between['accuracy']:.2%}",
        "on the test split": comparison,
        "written to": "\n".join(map(str, (path, *exported.values()))),
    }
    values = {
        "baseline": str(baseline),
        **feeding.record(data),
        "method": request["method"],
        "verification": str(proof),
        "before_fine_tuning": between,
        "best_epoch": history.best_epoch,
        **comparison.to_json(),
    }
    title = f"{baseline.stem} on {data.name} pruned by {request['method']}"
    return reporting.finish(folder, title, parts, values)


def cut(
    model: keras.Model,
    data: tfprune.data.DataSet,
    folder: Path,
    *,
    method: str,
    samples: int | None,
    options: Mapping[str, Any],
    feeding: reporting.Feeding,
) -> tuple[keras.Model, tfprune.Verification]:
    """Return the smaller model, not yet fine-tuned, and the proof that it equals the masked one.

    The keep masks are left in the folder; those that an interrupted run left are applied again.

    Args:
        model: the model to prune.
        data: the data set, whose training images the method looks at.
        folder: the run's folder.
        method: name of the method.
        samples: how many images the method looks at; None: none.
        options: options of `tfprune.prune`.
        feeding: how images become batches.
    """
    left = folder / "masks.npz"
    if left.is_file():
        graph, keep = tfprune.analyse(model), reporting.load_masks(left)
        small = tfprune.rebuild(graph, keep)
        return small, tfprune.verify(graph, keep, small)
    batches = None if samples is None else feeding.sample(data, samples)
    small, report = tfprune.prune(model, batches, method, **options)
    logging.info("%s", report)
    reporting.save_masks(folder, report.keep)
    return small, report.verification


if __name__ == "__main__":
    commandline.run(main, define_flags)
