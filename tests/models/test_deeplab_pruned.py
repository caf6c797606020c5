"""DeepLabV3 of full width, half of it pruned at random: minutes each, hence on demand."""

import keras
import numpy as np
import pytest

import models
import tfprune

SIZE = (72, 80, 3)


def awake(model):
    """Give the normalisations statistics and scales of their own: fresh ones would hide faults."""
    draws = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shapes = [tuple(weight.shape) for weight in layer.weights]
            values = [draws.uniform(0.5, 1.0, shape) for shape in shapes]
            values[1] = draws.normal(0, 0.1, shapes[1])
            values[2] = draws.normal(0, 0.1, shapes[2])
            layer.set_weights(values)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deeplabv3_resnet50", "deeplabv3_resnet101"])
def test_half_of_deeplab_pruned_at_random_computes_what_is_left(name, tmp_path):
    keras.utils.set_random_seed(0)
    model = awake(models.build(name, input_shape=SIZE))
    small, report = tfprune.prune(model, None, "random", ratio=0.5, seed=1)
    graph = tfprune.analyse(model)
    kept = sum(int(mask.sum()) for mask in report.keep.values())
    assert kept == pytest.approx(0.5 * sum(map(len, report.keep.values())), rel=0.02)
    convolutions = {x.name for x in model.layers if isinstance(x, keras.layers.Conv2D)}
    whole = {layer for layer, mask in report.keep.items() if mask.all()}
    assert (set(report.keep), whole) == (convolutions, {"classifier"})  # all others are reached
    check = tfprune.verify(graph, report.keep, small)
    assert check.relative <= 1e-5
    assert check.effect > 0.1
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    image = np.random.default_rng(2).normal(size=(1, *SIZE)).astype("float32")
    expected = np.asarray(small(image, training=False))
    assert expected.shape == (1, *SIZE[:2], 21)
    np.testing.assert_array_equal(np.asarray(again(image, training=False)), expected)
    # Each format is loaded and compared with the model before it is written.
    paths = tfprune.export(small, tmp_path / "export", formats=["saved_model", "tflite"])
    assert all(path.exists() for path in paths.values())
