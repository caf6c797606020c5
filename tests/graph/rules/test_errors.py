"""What surgery refuses, and what it says then."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.toy_models import TOYS
from tfprune.graph.call import Call
from tfprune.graph.channels import spread
from tfprune.graph.trace import Trace


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def keep_of(name, **changes):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model)
    keep = {layer: np.ones(len(line), bool) for layer, line in toy.units.items()}
    for layer, places in changes.items():
        keep[layer][list(places)] = False
    return graph, keep


def test_what_is_no_model():
    with pytest.raises(tfprune.PruningError, match=r"Expected a keras\.Model, received Dense\. "):
        tfprune.analyse(layers.Dense(3))


def test_a_subclassed_model():
    model = Subclassed()
    model(np.zeros((1, 2)))
    with pytest.raises(
        tfprune.PruningError, match=r"is a subclassed model \(Subclassed\).*open_layers"
    ):
        tfprune.analyse(model, open_layers=False)


def test_a_sequential_model_that_is_not_built():
    model = keras.Sequential([layers.Dense(3)], name="bare")
    with pytest.raises(tfprune.PruningError, match=r"'bare' is not built.*keras\.Input"):
        tfprune.analyse(model)


def test_an_unknown_layer_and_the_nearest_name():
    graph, _ = keep_of("chain")
    with pytest.raises(
        tfprune.PruningError, match=r"Unknown layer .*'haed'\. Did you mean 'head'\?"
    ):
        tfprune.rebuild(graph, {"haed": np.ones(2, bool)})


def test_a_mask_of_another_length():
    graph, _ = keep_of("chain")
    with pytest.raises(
        tfprune.PruningError, match=r"layer 'a': expected bool\[4\].*received bool\[3\]"
    ):
        tfprune.rebuild(graph, {"a": np.ones(3, bool)})


@pytest.mark.parametrize(
    ("mask", "received"), [([1, 0, 1, 1], "int64"), ([1.0, 0, 1, 1], "float64")]
)
def test_a_mask_of_another_type(mask, received):
    graph, _ = keep_of("chain")
    with pytest.raises(
        tfprune.PruningError, match=rf"expected bool\[4\].*received {received}\[4\]"
    ):
        tfprune.rebuild(graph, {"a": mask})


@pytest.mark.parametrize("keep", [None, [np.ones(4, bool)], "keep"])
def test_masks_that_are_no_mapping(keep):
    graph, _ = keep_of(next(iter(TOYS)))
    with pytest.raises(tfprune.PruningError, match=r"keep masks as .*received ChannelGraph and "):
        tfprune.rebuild(graph, keep)


def test_a_mask_of_ragged_lists_and_a_model_for_a_graph():
    graph, keep = keep_of(next(iter(TOYS)))
    name = next(iter(keep))
    with pytest.raises(tfprune.PruningError, match=r"expected bool.*received object\["):
        tfprune.rebuild(graph, {name: [[True], [True, False]]})
    with pytest.raises(
        tfprune.PruningError, match=r"tfprune\.analyse\(model\).*received Functional"
    ):
        tfprune.rebuild(graph.model, keep)


def test_a_mask_that_empties_a_layer():
    graph, keep = keep_of("chain", a=range(4))
    with pytest.raises(tfprune.PruningError, match="'a' removes all of its 4 channels"):
        tfprune.rebuild(graph, keep)


def test_a_mask_that_empties_what_a_layer_reads():
    graph, keep = keep_of("split_unevenly", a=(4, 5))
    with pytest.raises(
        tfprune.PruningError, match=r"without any of 2 channels .* Keep at least one"
    ):
        tfprune.rebuild(graph, keep)


def test_a_mask_that_empties_a_half_that_nothing_with_weights_reads():
    graph, keep = keep_of("shuffle_net", a=(0, 1, 2), c=(0, 1, 2))
    with pytest.raises(tfprune.PruningError, match="removes all of its 3 channels"):
        tfprune.rebuild(graph, keep)


@pytest.mark.parametrize(
    ("name", "layer", "reason"),
    [
        ("chain", "head", "output of the model"),
        ("output_used_inside", "c", "output of the model"),
        ("unknown_layer", "a", "unknown: Unknown has no rule"),
        ("layer_norm", "a", "norm: LayerNormalization takes its statistics over the channels"),
        ("one_channel_for_all", "gate", "one channel is broadcast over all"),
    ],
)
def test_a_mask_for_a_pinned_unit(name, layer, reason):
    graph, keep = keep_of(name, **{layer: [0]})
    keep = {layer: keep[layer]}
    with pytest.raises(
        tfprune.PruningError, match=rf"{layer!r} removes channel 0, which is pinned .*{reason}"
    ):
        tfprune.rebuild(graph, keep)
    assert reason in str(graph)


@pytest.mark.parametrize("left_out", [False, True])
def test_masks_that_disagree(left_out):
    graph, keep = keep_of("squeeze_excite", a=[1])
    if left_out:
        del keep["ex"]
    told = r" \(no mask was given, so it is kept whole\)" if left_out else ""
    with pytest.raises(
        tfprune.PruningError,
        match=rf"layer 'ex' keeps 4 of 4 channels{told} and layer 'a' keeps 3 of 4.*channel 1 of",
    ):
        tfprune.rebuild(graph, keep)


def test_a_rule_that_names_a_weight_that_is_not_there():
    call = _call_of_a_dense()
    with pytest.raises(
        tfprune.PruningError, match=r"Rule for Dense 'd': no weight 'gamma'.*kernel"
    ):
        call.label("gamma", carries={0: call.produce(3)})


def test_a_rule_that_labels_an_axis_of_another_length():
    call = _call_of_a_dense()
    with pytest.raises(
        tfprune.PruningError, match=r"axis 1 of 'kernel' has 3 entries, but 2 channel"
    ):
        call.label("kernel", carries={1: call.produce(2)})


def _call_of_a_dense():
    layer = layers.Dense(3, name="d")
    layer.build((None, 2))
    trace = Trace()
    x = spread(trace.new_ids(2), 1, (None, 2))
    return Call(layer, [x], [(None, 3)], (x,), {}, trace, trace.owner(layer, "d"))


def test_a_rule_that_labels_without_resizing():
    class Half(layers.Layer):
        def __init__(self, width, **kwargs):
            super().__init__(**kwargs)
            self.width = width

        def build(self, shape):
            self.scale = self.add_weight(name="scale", shape=(self.width,))

        def call(self, x):
            return x * self.scale

        def get_config(self):
            return {**super().get_config(), "width": self.width}

    @tfprune.rule(Half)
    def half(call):
        call.label("scale", carries={0: call.channels()})
        return call.passed()

    vector = keras.Input((2,))
    x = Half(3, name="half")(layers.Dense(3, name="a")(vector))
    graph = tfprune.analyse(keras.Model(vector, layers.Dense(2)(x)))
    with pytest.raises(Exception, match=r"'half'|half"):
        tfprune.rebuild(graph, {"a": np.array([True, False, True])})


def test_nothing_is_changed_by_a_refusal():
    graph, keep = keep_of("chain", a=range(4))
    before = [weight.numpy() for weight in graph.model.weights]
    calls = [len(layer._inbound_nodes) for layer in graph.model.layers]
    with pytest.raises(tfprune.PruningError, match="Keep at least one"):
        tfprune.rebuild(graph, keep)
    assert [len(layer._inbound_nodes) for layer in graph.model.layers] == calls
    for old, weight in zip(before, graph.model.weights, strict=True):
        np.testing.assert_array_equal(old, weight)
