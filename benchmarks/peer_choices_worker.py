"""Which filters Torch-Pruning takes of a published CIFAR ResNet; run by the peer's interpreter.

One request as JSON on the command line, one answer as JSON: {module: kept filters}, MACs left.
"""

import copy
import json
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch_pruning as tp
from torch import nn

from benchmarks.torch_cifar import CifarResNet, published

IMPORTANCES = {
    "l1": lambda: tp.importance.MagnitudeImportance(p=1),
    "taylor": tp.importance.TaylorImportance,
    "group norm": lambda: tp.importance.GroupMagnitudeImportance(p=2),
}
STEPS = 20  # bisections: below one filter


def pruned(network: CifarResNet, ratio: float, request: Mapping, data: Sequence) -> CifarResNet:
    """Return a copy that has lost a share of the filters within its blocks.

    The streams stay: the padded shortcuts between them make the peer's dependency graph fail
    ("index 32 is out of bounds for dimension 0 with size 32").
    """
    small = copy.deepcopy(network)
    ignored = [module for name, module in small.named_modules() if not name.endswith(".conv1")]
    pruner = tp.pruner.BasePruner(
        small,
        torch.zeros(1, 3, 32, 32),
        importance=IMPORTANCES[request["importance"]](),
        pruning_ratio=ratio,
        global_pruning=request["scope"] == "global",
        ignored_layers=[x for x in ignored if isinstance(x, nn.Conv2d | nn.Linear)],
    )
    if request["importance"] == "taylor":
        images, labels = data
        nn.functional.cross_entropy(small(images), labels).backward()
    pruner.step()
    return small


def macs(network: nn.Module) -> int:
    """Return the multiply-accumulates of one image, as the peer counts them."""
    return tp.utils.count_ops_and_params(network, torch.zeros(1, 3, 32, 32))[0]


def kept(network: nn.Module, small: nn.Module) -> dict[str, list[int]]:
    """Return {convolution: the filters that stay}, found by their BatchNorm's own numbers."""
    found = {}
    for name, norm in small.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            rows = [_row(x) for x in (network.get_submodule(name), norm)]
            same = (rows[0][:, None] == rows[1][None]).all(-1)
            if not (same.sum(0) == 1).all():
                raise ValueError(f"{name}: two filters have the same BatchNorm.")
            found[name.replace("bn", "conv")] = same.argmax(0).tolist()
    return found


def _row(norm: nn.BatchNorm2d) -> np.ndarray:
    parts = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    return torch.stack(parts, -1).detach().numpy()


def main() -> None:
    """Answer the request."""
    torch.set_num_threads(1)
    request = json.loads(sys.argv[1])
    network = published(request["depth"], request["weights"])
    with np.load(request["data"]) as file:
        data = torch.tensor(file["images"]).permute(0, 3, 1, 2), torch.tensor(file["labels"])
    goal, low, high = request["share"] * macs(network), 0.0, 0.99
    for _ in range(STEPS):
        ratio = (low + high) / 2
        left = macs(pruned(network, ratio, request, data))
        low, high = (ratio, high) if left > goal else (low, ratio)
    small = pruned(network, high, request, data)
    share = macs(small) / macs(network)
    print(json.dumps({"kept": kept(network, small), "share": share, "version": tp.__version__}))


if __name__ == "__main__":
    main()
