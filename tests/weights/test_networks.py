"""Networks that PyTorch wrote give here what they gave there; full-size names are complete."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import models
from tests.shapes import shapes_only
from tests.weights import keras_twins
from tfprune import plugins, weights
from tfprune.weights import layouts
from tfprune.weights._matching import match

FIXTURES = Path(__file__).parent / "fixtures"
FULL_SIZE = {
    "torchvision_resnet": ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"],
    "torchvision_vgg": [f"vgg{d}{bn}_imagenet" for d in (11, 13, 16, 19) for bn in ("", "_bn")],
    "torchvision_deeplabv3": ["deeplabv3_resnet50", "deeplabv3_resnet101"],
    "hrank_vgg": ["vgg16_fmc"],
    "hrank_resnet": ["resnet56_a", "resnet110_a"],
    "hrank_densenet": ["densenet40_24"],
    "hrank_googlenet": ["googlenet"],
}


def fixture(name):
    return next(path for path in FIXTURES.glob(f"{name}.*") if path.suffix != ".npz")


@pytest.mark.parametrize("name", keras_twins.LAYOUTS)
def test_outputs_are_those_of_pytorch(name):
    layout, model, images = keras_twins.build(name)
    before = [weight.numpy() for weight in model.weights]
    loaded, report = weights.load(model, fixture(name), layout=layout)
    outputs = loaded(images, training=False)
    outputs = outputs if isinstance(outputs, dict) else {"out": outputs}
    outputs = {key.removeprefix("out_"): output for key, output in outputs.items()}
    with np.load(FIXTURES / f"{name}.npz") as expected:
        assert set(outputs) == set(expected.files)
        for key, output in outputs.items():
            output = np.moveaxis(np.asarray(output), -1, 1)  # noqa: PLW2901
            output = output[:, :, ::5, ::5] if output.ndim == 4 else output  # noqa: PLW2901
            scale = np.abs(expected[key]).max()
            assert scale > 0.05
            assert np.ptp(expected[key], axis=0).max() > 0.01 * scale  # it depends on the images
            np.testing.assert_allclose(output, expected[key], atol=1e-5 * scale, rtol=0)
    assert report.complete
    assert len(report.loaded) == len(model.weights) == len(set(report.loaded.values()))
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)  # the argument is untouched


@pytest.fixture(scope="module")
def index():
    return json.loads(gzip.decompress((FIXTURES / "index.json.gz").read_bytes()))


def test_every_layout_is_proven_both_ways():
    assert set(FULL_SIZE) == set(plugins.names(layouts))
    assert set(keras_twins.LAYOUTS.values()) == set(FULL_SIZE)


@pytest.mark.parametrize(
    ("layout", "name"), [(layout, name) for layout, names in FULL_SIZE.items() for name in names]
)
def test_every_variable_of_the_full_size_has_one_tensor_of_its_shape(index, layout, name):
    options = {"aux_head": True} if name.startswith("deeplab") else {}
    shapes = {tensor: tuple(shape) for tensor, shape in index[name].items()}
    with shapes_only():
        model = models.build(name, **options)
        report, _ = match(model, shapes, plugins.find(layouts, layout, "layout"), ())
    assert report.complete, report.problems()
    assert len(report.loaded) == len(set(report.loaded.values())) == len(model.weights)
    assert len(report.loaded) + len(report.ignored) == len(shapes)
    assert all(tensor.endswith("num_batches_tracked") for tensor in report.ignored)


def test_the_index_has_the_published_numbers_of_parameters(index):
    """torchvision's metadata and the papers' counts, so that the twins are what they claim."""
    published = {
        "resnet18": 11689512, "resnet34": 21797672, "resnet50": 25557032, "resnet101": 44549160,
        "resnet152": 60192808, "vgg11_imagenet": 132863336, "vgg11_bn_imagenet": 132868840,
        "vgg13_imagenet": 133047848, "vgg13_bn_imagenet": 133053736, "vgg16_imagenet": 138357544,
        "vgg16_bn_imagenet": 138365992, "vgg19_imagenet": 143667240,
        "vgg19_bn_imagenet": 143678248, "deeplabv3_resnet50": 42004074,
        "deeplabv3_resnet101": 60996202, "vgg16_fmc": 14991946, "resnet56_a": 853018,
        "resnet110_a": 1727962, "densenet40_24": 1059298, "googlenet": 6166250,
    }  # fmt: skip
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    for name, count in published.items():
        trained = [s for tensor, s in index[name].items() if not tensor.endswith(statistics)]
        assert sum(int(np.prod(shape)) for shape in trained) == count, name
    assert set(published) == set(index)
