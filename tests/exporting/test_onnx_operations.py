"""What tf2onnx leaves as it is: written otherwise, or refused by the layer's name."""

import keras
import numpy as np
import pytest

from tfprune.errors import PruningError
from tfprune.exporting import export

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


def transformer():
    """A block of a ViT, with exact GELU once as an activation and once within a layer."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(16, 4, strides=4, name="patches")(image)
    x = keras.layers.Reshape((4, 16), name="tokens")(x)
    y = keras.layers.LayerNormalization(name="norm")(x)
    y = keras.layers.MultiHeadAttention(2, 8, name="attention")(y, y)
    x = keras.layers.Add(name="sum")([x, y])
    y = keras.layers.Dense(32, activation="gelu", name="expand")(x)
    y = keras.layers.Activation("gelu", name="gelu")(keras.layers.Dense(16, name="back")(y))
    x = keras.layers.GlobalAveragePooling1D(name="pool")(keras.layers.Add(name="sum_2")([x, y]))
    return keras.Model(image, keras.layers.Dense(5, name="head")(x), name="vit")


def test_a_transformer_with_exact_gelu_is_exported(tmp_path):
    model = transformer()
    path = export(model, tmp_path, formats=["onnx"])["onnx"]
    images = np.random.default_rng(1).standard_normal((7, 8, 8, 3)).astype("float32") * 3
    session = onnxruntime.InferenceSession(str(path))
    kinds = {node.op_type for node in pytest.importorskip("onnx").load(path).graph.node}
    assert {"Erf", "Sub"} <= kinds
    (received,) = session.run(["head"], {"image": images})
    wanted = model(images).numpy()
    np.testing.assert_allclose(received, wanted, atol=1e-5 * np.abs(wanted).max())


def test_an_operation_that_onnx_lacks_is_refused_by_the_layers_name(tmp_path):
    image = keras.Input((4,), name="image")
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Activation(keras.ops.erfinv, name="odd")], name="inner"
    )
    x = inner(keras.layers.Activation("tanh", name="usual")(image))
    with pytest.raises(
        PruningError,
        match=r"ONNX .* 'strange': it has no operation Erfinv, of which layer 'odd' is made\. Exp",
    ):
        export(keras.Model(image, x, name="strange"), tmp_path, formats=["onnx"])
    assert list(tmp_path.iterdir()) == []
