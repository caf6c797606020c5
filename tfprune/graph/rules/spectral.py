"""A kernel divided by its largest singular value: its layer's channels are the wrapper's."""

from collections.abc import Sequence

from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import find, rule


@rule(layers.SpectralNormalization)
def spectral_normalization(call: Call) -> Channels | Sequence[Channels]:
    """Rule of SpectralNormalization: at inference its layer alone; u follows the kernel's end.

    Training divides what is left of the kernel by its own norm from then on.
    """
    outputs = find(call.op.layer)(call.inside(call.op.layer, "layer"))
    kernel, places = call.op.kernel, enumerate(call.owner.operation.weights)
    index = next(place for place, weight in places if weight is kernel)
    last = call.owner.slots.get((index, len(kernel.shape) - 1))
    if last is not None:
        call.label("vector_u", carries={1: last.ids})
    return outputs
