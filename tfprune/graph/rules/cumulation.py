"""Running sums and sorting: along positions each channel has its own, along channels all meet."""

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule


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
