"""Running sums and sorting: along positions each channel has its own, along channels all meet."""

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule


@rule("TopK")
def top_k(call: Call) -> list[Channels]:
    """Rule of top_k, which works along the last axis: along positions each channel has its own."""
    x = call.level(call.inputs[0], [-1])
    if len(x.shape) - 1 in x.varying:
        return pin_all(call, "TopK works along the channels")
    return [Channels(x.ids, tuple(shape)) for shape in call.outputs]


@rule("Cumsum", "Cumprod", "Sort", "Argsort")
def cumulation(call: Call) -> Channels | list[Channels]:
    """Rule of cumulated sums and products and of sorting: ids pass along the other axes."""
    x, axis = call.inputs[0], call.op.axis
    if axis is None and x.varying:
        return pin_all(call, f"{type(call.op).__name__} works on all axes as one")
    x = x if axis is None else call.level(x, [axis])
    if axis is not None and axis % len(x.shape) in x.varying:
        return pin_all(call, f"{type(call.op).__name__} works along the channels")
    if axis is None:
        return Channels(x.ids.reshape([1]), tuple(call.outputs[0]))
    return call.passed(x)
