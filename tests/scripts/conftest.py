"""Scripts called in this process: a small network, one epoch, a temporary folder."""

import keras
import pytest
from absl.testing import flagsaver

import models
import prune
import train
from flags import commandline

QUICK = ("--data=digits", "--epochs=1", "--batch-size=256", "--optimizer=sgd", "--decay-step=1")
PRUNED = (
    *QUICK, "--method=gfbs", "--ratio=0.5", "--samples=32",
    "--formats=saved_model,tflite_int8", "--min_agreement=0", "--representative=50",
)  # fmt: skip


def call(script, *arguments):
    """Run a script's main on a command line; its flags are taken back afterwards."""
    with flagsaver.flagsaver():
        script.define_flags()
        script.main(commandline.parse([f"{script.__name__}.py", *map(str, arguments)]))


def small_network(name, *, num_classes, input_shape):
    """Build a stand-in for the zoo's networks that trains in a second."""
    image = keras.Input(input_shape, name="image")
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False, name="stem")(image)
    x = keras.layers.BatchNormalization(momentum=0.9, name="stem_bn")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(num_classes, activation="softmax", name="head")(x)
    return keras.Model(image, outputs, name=name)


@pytest.fixture(scope="session")
def baseline(tmp_path_factory):
    """A folder that train.py filled."""
    folder = tmp_path_factory.mktemp("baseline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "build", small_network)
        call(train, "--arch=resnet20", *QUICK, "--save-dir", folder)
    return folder


@pytest.fixture(scope="session")
def pruned(baseline, tmp_path_factory):
    """A folder that prune.py filled from the baseline."""
    folder = tmp_path_factory.mktemp("pruned")
    call(prune, *PRUNED, "--pretrain_dir", baseline, "--save_dir", folder)
    return folder
