"""Keras builders of the papers' networks, found by name.

One module per family; each lists its networks in `NETWORKS`. The models end in logits unless
`classifier_activation="softmax"` is asked for, hold no regulariser (training adds weight decay),
and every layer is named.

| name | paper | parameters | with BatchNormalization | MACs |
|---|---|---|---|---|
| vgg16 | Li et al. | 14,982,474 | 14,991,946 | 313,463,808 |
| resnet20 | Li et al. | 271,690 | 273,066 | 40,813,184 |
| resnet32 | Li et al. | 465,674 | 467,946 | 69,124,736 |
| resnet44 | Li et al. | 659,658 | 662,826 | 97,436,288 |
| resnet56 | Li et al. | 853,642 | 857,706 | 125,747,840 |
| resnet110 | Li et al. | 1,726,570 | 1,734,666 | 253,149,824 |
| densenet40 | Li et al. | 1,001,626 | 1,019,722 | 264,812,928 |
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import keras

Builder = Callable[..., keras.Model]


def _networks() -> dict[str, Builder]:
    found: dict[str, Builder] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            found.update(importlib.import_module(f"{__name__}.{module.name}").NETWORKS)
    return found


def names() -> list[str]:
    """Return the names of all networks, sorted."""
    return sorted(_networks())


def build(
    name: str,
    *,
    num_classes: int = 10,
    input_shape: Sequence[int] = (32, 32, 3),
    **options: Any,
) -> keras.Model:
    """Build a network by its name, with fresh weights.

    Args:
        name: one of `models.names()`.
        num_classes: number of classes, at least 1.
        input_shape: (height, width, channels) of an image.
        **options: the family's own options, e.g. `classifier_activation="softmax"`.

    Returns:
        A functional model named after the network.

    Raises:
        ValueError: an unknown name, an unknown option, or an input the network cannot take.

    Example:
        >>> import models
        >>> models.build("resnet20", num_classes=10).output_shape
        (None, 10)
    """
    networks = _networks()
    if name not in networks:
        raise ValueError(f"Unknown network {name!r}. Valid names: {', '.join(names())}.")
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, received {num_classes}.")
    return networks[name](
        name=name, num_classes=num_classes, input_shape=tuple(input_shape), **options
    )
