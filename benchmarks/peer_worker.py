"""The peer's side, run by the peer's own interpreter: reads a task per line, answers its seconds.

It imports neither TensorFlow nor tfprune, so that its environment needs only `torch` and
`torch-pruning`. Lines in: `MODEL TASK` with a task of `TASKS`; lines out: JSON.
"""

import copy
import gc
import json
import sys
import time
from importlib import metadata

import torch
import torch_pruning as tp
from torch import nn

from benchmarks.torch_models import TWINS


def graph(model: nn.Module, example: torch.Tensor) -> object:
    """Trace the dependency graph: what `tfprune.analyse` is compared with."""
    return tp.DependencyGraph().build_dependency(model, example_inputs=example)


def prune(model: nn.Module, example: torch.Tensor) -> None:
    """Build the pruner and remove half of the channels by L1: analyse to rebuild."""
    head = [m for m in model.modules() if isinstance(m, nn.Linear)]
    pruner = tp.pruner.BasePruner(
        model,
        example,
        importance=tp.importance.MagnitudeImportance(p=1),
        pruning_ratio=0.5,
        ignored_layers=head,
    )
    pruner.step()


def answer(value: object) -> None:
    """Send a value to the other side."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


TASKS = {"graph": graph, "prune": prune}


def main() -> None:
    """Answer until the other side closes the pipe."""
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    models: dict[str, nn.Module] = {}
    answer({name: metadata.version(name) for name in ("torch", "torch-pruning")})
    for line in sys.stdin:
        name, task = line.split()
        if name not in models:
            models = {name: TWINS[name]().eval()}
        model, example = copy.deepcopy(models[name]), torch.randn(1, 3, 224, 224)
        gc.collect()
        start = time.perf_counter()
        TASKS[task](model, example)
        answer(time.perf_counter() - start)


if __name__ == "__main__":
    main()
