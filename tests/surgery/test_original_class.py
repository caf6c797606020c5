"""A pruned model as a smaller configuration of the class that it was pruned from."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.property.growing import enliven
from tfprune import PruningError
from tfprune.surgery import original_class


class Block(layers.Layer):
    """Attention with a size of its own for heads, and an MLP whose halves gate each other."""

    def __init__(self, heads, size, inner, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(heads, size)
        self.up = layers.Dense(inner)
        self.down = layers.Dense(6)

    def build(self, shape):
        self.attention.build(shape, shape)
        self.up.build(shape)
        self.down.build((*shape[:-1], self.up.units // 2))
        self.built = True

    def call(self, x):
        x = x + self.attention(x, x)
        first, second = ops.split(self.up(x), 2, axis=-1)
        return x + self.down(first * ops.sigmoid(second))


class Backbone(keras.Model):
    """As keras-hub writes them: functional within, its arguments in its config."""

    def __init__(self, words, heads, size, inner, **kwargs):
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = layers.Embedding(words, 6, name="words")(tokens)
        for number in range(2):
            x = Block(heads, size, inner, name=f"block_{number}")(x)
        super().__init__(tokens, x, **kwargs)
        self.arguments = {"words": words, "heads": heads, "size": size, "inner": inner}

    def get_config(self):  # in this order, the heads last
        return {**dict(reversed(self.arguments.items())), "name": self.name}


def backbone():
    model = Backbone(9, 4, 3, 8)
    enliven(model, 0)
    return model


def masks(graph, **kept):
    """Keep the first heads and MLP channels of each block, alike or not."""
    found = {}
    for name in graph.producers:
        width = graph.channels(name)
        count = kept.get(name.rpartition("/")[2].rpartition(".")[2], width)
        line = np.arange(width // 2) < count // 2
        found[name] = np.tile(line, 2) if name.endswith("up") else np.arange(width) < count
    return found


def test_a_uniform_cut_is_a_smaller_configuration():
    model = backbone()
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, masks(graph, heads=2, up=6))
    made = tfprune.as_class(small, model)
    assert type(made) is Backbone
    assert made.arguments == {"words": 9, "heads": 2, "size": 3, "inner": 6}
    tokens = np.array([[1, 2, 3], [4, 5, 8]])
    np.testing.assert_allclose(made(tokens), small(tokens), rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(made(tokens)) - np.asarray(model(tokens))).max() > 1e-3


def test_a_cut_that_differs_from_block_to_block_is_no_configuration():
    model = backbone()
    graph = tfprune.analyse(model)
    keep = masks(graph, up=6) | {"block_0.up": np.ones(8, bool)}
    small = tfprune.rebuild(graph, keep)
    with pytest.raises(PruningError, match=r"No configuration of Backbone .* from 8 to \[6\], 4 "):
        tfprune.as_class(small, model)


class Many(Backbone):
    """Nine further numbers that a cut by half might have halved, too many to try them together."""

    def __init__(self, blocks=8, **kwargs):
        numbers = {f"number_{i}": kwargs.pop(f"number_{i}", 8) for i in range(8)}
        super().__init__(**kwargs)
        self.arguments |= {"blocks": blocks, **numbers}
        self.extra = [self.add_weight(name=f"extra_{i}", shape=()) for i in range(8 - blocks)]


def test_prune_returns_the_class_itself_where_asked(monkeypatch):
    monkeypatch.setattr(original_class, "_TRIES", 20)  # of 67 with up to two changes
    model = Many(words=10, heads=4, size=3, inner=8)
    enliven(model, 0)
    small, report = tfprune.prune(model, None, "l1", ratio=0.5, scope="layer", as_class=True)
    assert type(small) is Many
    assert small.arguments | {"heads": 2, "inner": 4} == small.arguments
    assert report.verification.proven
    reference, _ = tfprune.prune(model, None, "l1", ratio=0.5, scope="layer")
    tokens = np.array([[1, 2, 3], [4, 5, 8]])
    np.testing.assert_allclose(small(tokens), reference(tokens), rtol=1e-5, atol=1e-6)
    with pytest.raises(PruningError, match="as_class"):
        tfprune.prune(model, None, "l1", ratio=0.5, as_class="yes")


def test_another_model_and_a_class_without_a_config_are_refused():
    model = backbone()
    other = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
    with pytest.raises(PruningError, match="it has 2 weights for"):
        tfprune.as_class(other, model)

    class Bare(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.dense = layers.Dense(width)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            raise NotImplementedError

    bare = Bare(3)
    bare(np.ones((1, 2)))
    with pytest.raises(PruningError, match="Bare has no get_config"):
        tfprune.as_class(tfprune.open_up(bare), bare)


@pytest.mark.filterwarnings("ignore")  # keras-hub's own
def test_a_task_with_tokenizer_and_preprocessor_goes_on_with_the_smaller_backbone():
    hub = pytest.importorskip("keras_hub").models
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcde"]
    bert = hub.BertBackbone(
        vocabulary_size=len(words), num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16,
        max_sequence_length=8,
    )  # fmt: skip
    enliven(bert, 0)
    small, _ = tfprune.prune(
        bert, None, "l1", ratio=0.5, scope="layer", include=["*intermediate*"], as_class=True
    )
    assert type(small) is hub.BertBackbone
    assert small.intermediate_dim == 8
    preprocessor = hub.BertTextClassifierPreprocessor(hub.BertTokenizer(words), sequence_length=8)
    task = hub.BertTextClassifier(small, num_classes=2, preprocessor=preprocessor)
    before = np.array(small.get_layer("token_embedding").embeddings)
    task.fit(np.array(["a b c", "d e"]), np.array([0, 1]), batch_size=2, verbose=0)
    assert np.abs(np.array(small.get_layer("token_embedding").embeddings) - before).max() > 0
    assert task.predict(np.array(["a b"]), verbose=0).shape == (1, 2)
