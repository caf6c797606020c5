"""torchvision's VGG 11 to 19, with and without batch normalisation."""

from collections.abc import Sequence

from tfprune.weights.layouts._vgg import convolutions, has_norm

FLATTENED = "dense1"
_HEAD = {"dense1": "classifier.0", "dense2": "classifier.3", "classifier": "classifier.6"}


def modules(layers: Sequence[str]) -> dict[str, str]:
    """Return the names of the PyTorch modules, which are counted through, poolings included.

    Args:
        layers: names of Keras layers in the model's order.

    Example:
        >>> modules(["stage1_conv1", "stage1_conv1_bn", "stage2_conv1", "stage2_conv1_bn"])
        {'stage1_conv1': 'features.0', 'stage1_conv1_bn': 'features.1', \
'stage2_conv1': 'features.4', 'stage2_conv1_bn': 'features.5'}
    """
    norm = has_norm(layers)
    found = {}
    for name, before, poolings in convolutions(layers):
        place = before * (3 if norm else 2) + poolings
        found[name] = f"features.{place}"
        if norm:
            found[f"{name}_bn"] = f"features.{place + 1}"
    return found | {name: _HEAD[name] for name in layers if name in _HEAD}
