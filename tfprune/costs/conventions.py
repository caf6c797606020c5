"""The conventions under which papers count a model's cost, over one table of its layers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tfprune.costs.element_counts import Elements


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs for one sample; a multiply-add counts as one.

    Args:
        name: the layer's name.
        kind: its class.
        weights: parameters of a layer that does not normalise, frozen or not.
        norm: parameters of a normalisation layer, without its moving statistics.
        macs: multiply-accumulates of its kernels.
        elements: the numbers it computes besides: biases, normalised, rectified, pooled.
        pooling: "average_pooling" or "global_average_pooling" for a layer that averages.
        output_shape: shape of its first call's first output, with the batch; None for a layer
            that another layer calls, as attention calls its projections.
        is_whole: whether no rule describes the layer, so that its MACs are those of TensorFlow's
            graph of its call.
    """

    name: str
    kind: str
    weights: int
    norm: int
    macs: int
    elements: Elements
    pooling: str | None
    output_shape: tuple[int | None, ...] | None
    is_whole: bool = False


@dataclass(frozen=True)
class Convention:
    """How a paper counts: what of each layer goes into `macs` and `params`.

    Args:
        macs: of a row.
        params: of a row.
        needs: the elements that `macs` reads.
    """

    macs: Callable[[LayerCost], int]
    params: Callable[[LayerCost], int]
    needs: tuple[str, ...] = ()


def _all(row: LayerCost) -> int:
    return row.weights + row.norm


def _without_norm(row: LayerCost) -> int:
    return row.weights


def _kernels(row: LayerCost) -> int:
    return row.macs


def _hrank(row: LayerCost) -> int:
    return row.macs + row.elements.dense_bias


def _thop(row: LayerCost) -> int:
    """Count as thop 0.0.31 of May 2020: 2 per normalised element, biases of convolutions."""
    pooled = 0
    if row.pooling == "global_average_pooling":
        # (kernel positions + 1) per output; the kernels cover every input once
        pooled = row.elements.pool_inputs + row.elements.pool_outputs
    elif row.pooling == "average_pooling":
        pooled = row.elements.pool_outputs
    return row.macs + row.elements.conv_bias + 2 * row.elements.norm + pooled


def _ptflops(row: LayerCost) -> int:
    """Count as ptflops 0.6: like thop, with every ReLU and the inputs of every pooling."""
    more = row.elements
    return row.macs + more.conv_bias + 2 * more.norm + more.rectified + more.pool_inputs


# FP-FMC's baselines are counted by hrank, its pruned rows by thop: its reductions mix the two.
CONVENTIONS: Mapping[str, Convention] = MappingProxyType({
    "mac": Convention(_kernels, _all),
    "li": Convention(_kernels, _without_norm),
    "hrank": Convention(_hrank, _without_norm, ("dense_bias",)),
    "thop": Convention(_thop, _all, ("conv_bias", "norm", "pool_inputs", "pool_outputs")),
    "ptflops": Convention(_ptflops, _all, ("conv_bias", "norm", "rectified", "pool_inputs")),
})  # fmt: skip
