"""Weights from elsewhere: PyTorch checkpoints, read without PyTorch and without running code.

    import models
    import tfprune.weights

    model = models.build("resnet50")
    model, report = tfprune.weights.load(model, "resnet50.pth", layout="torchvision_resnet")
    print(report)   # every tensor and the variable it went to; what has no counterpart, and why

Weights of `keras.applications` need none of this; they load as they are, and such a model can be
pruned at once:

    model = keras.applications.ResNet50(weights="resnet50.weights.h5")   # or weights="imagenet"
    model = keras.models.load_model("resnet50.keras")
    model.load_weights("resnet50.weights.h5")

A new layout is one file in `layouts/` with `modules(layers)`, which returns for the names of a
model's layers with weights, in the model's order, what PyTorch calls them. It may have `FLATTENED`,
the dense layer that sees flattened feature maps (PyTorch flattens channels first, Keras last), and
`OTHER_NAMES` of modules, {name in other checkpoints: name that `modules` returns}.
"""

from tfprune.weights.checkpoint import read
from tfprune.weights.loading import load, names
from tfprune.weights.report import WeightsReport
from tfprune.weights.transfer import take_over

__all__ = ["WeightsReport", "load", "names", "read", "take_over"]
