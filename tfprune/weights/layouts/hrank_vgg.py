"""VGG-16 of HRank, HRankPlus and FP-FMC (`vgg_16_bn`)."""

from collections.abc import Sequence

from tfprune.weights.layouts._vgg import convolutions

FLATTENED = "dense"
_HEAD = {
    "dense": "classifier.linear1",
    "dense_bn": "classifier.norm1",
    "classifier": "classifier.linear2",
}


def modules(layers: Sequence[str]) -> dict[str, str]:
    """Return the names of the PyTorch modules: one number for a convolution and its companions.

    Args:
        layers: names of Keras layers in the model's order.

    Example:
        >>> modules(["stage1_conv1", "stage1_conv1_bn", "stage2_conv1", "dense_bn"])
        {'stage1_conv1': 'features.conv0', 'stage2_conv1': 'features.conv2', \
'stage1_conv1_bn': 'features.norm0', 'dense_bn': 'classifier.norm1'}
    """
    places = {name: before + poolings for name, before, poolings in convolutions(layers)}
    convs = {name: f"features.conv{place}" for name, place in places.items()}
    norms = {f"{name}_bn": f"features.norm{place}" for name, place in places.items()}
    head = {name: _HEAD[name] for name in layers if name in _HEAD}
    return convs | {name: norms[name] for name in layers if name in norms} | head
