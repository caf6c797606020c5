"""Keep masks: how many go, from where, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.selection.selecting import choose


def residual():
    """A stem, three blocks of 16 channels and three of 32, as in a small ResNet."""
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", name="stem_conv")(image)
    for stage, width in ((1, 16), (2, 32)):
        for block in (1, 2, 3):
            name, grow = f"stage{stage}_block{block}", stage == 2 and block == 1
            y = layers.Conv2D(width, 3, 2 if grow else 1, "same", name=f"{name}_conv1")(x)
            y = layers.Conv2D(width, 3, padding="same", name=f"{name}_conv2")(layers.ReLU()(y))
            if grow:
                x = layers.Conv2D(width, 1, 2, name=f"{name}_shortcut")(x)
            x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, name="classifier")(x))


@pytest.fixture(scope="module")
def resnet():
    return tfprune.analyse(residual())


@pytest.fixture(scope="module")
def scores(resnet):
    return tfprune.score(resnet, "random", None, seed=1)


def chain(*widths):
    x = image = keras.Input((4,))
    for i, width in enumerate(widths):
        x = layers.Dense(width, name=f"layer{i}")(x)
    return tfprune.analyse(keras.Model(image, layers.Dense(1, name="head")(x)))


def kept(keep):
    return {name: int(mask.sum()) for name, mask in keep.items()}


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.3, 0.5, 0.9])
def test_a_ratio_removes_that_share_of_every_layer(resnet, scores, ratio):
    keep = tfprune.select(resnet, scores, ratio=ratio)
    for name, mask in keep.items():
        gone = 0 if name == "classifier" else int(len(mask) * ratio + 1e-9)
        assert (~mask).sum() == min(gone, len(mask) - 1), name


def test_the_lowest_scores_go_and_of_equal_ones_the_first():
    graph = chain(6)
    keep = tfprune.select(graph, {"layer0": np.array([3.0, 1, 2, 1, 1, 9])}, ratio=1 / 3)
    assert keep["layer0"].tolist() == [True, False, True, False, True, True]


def test_coupled_layers_are_ranked_by_their_mean_score(resnet, scores):
    keep = tfprune.select(resnet, scores, ratio=0.5)
    stream = ["stem_conv", *(f"stage1_block{b}_conv2" for b in (1, 2, 3))]
    mean = np.mean([scores[name] for name in stream], axis=0)
    for name in stream:
        np.testing.assert_array_equal(np.flatnonzero(~keep[name]), np.sort(mean.argsort()[:8]))


def test_global_ratio_counts_the_channels_of_all_layers():
    graph = chain(10, 30)
    scores = {"layer0": np.linspace(0.5, 1, 10), "layer1": np.linspace(0, 1, 30)}
    keep = tfprune.select(graph, scores, ratio=0.5, scope="global")
    assert sum((~mask).sum() for mask in keep.values()) == 20
    threshold = max(np.max(scores[n][~keep[n]], initial=0) for n in scores)
    assert all((scores[n][keep[n]] >= threshold).all() for n in scores)


def test_a_global_cut_never_splits_a_unit(resnet, scores):
    keep = tfprune.select(resnet, scores, ratio=0.4, scope="global")
    total = sum(len(m) for n, m in keep.items() if n != "classifier")
    gone = sum(int((~m).sum()) for m in keep.values())
    assert total - int(total * 0.6) - 7 < gone <= total - int(total * 0.6)


def test_norms_of_different_layers_are_compared_by_their_layer_s_mean():
    graph = chain(4, 4)
    big, small = np.array([100.0, 200, 300, 400]), np.array([4.0, 3, 2, 1])
    values = {"layer0": big, "layer1": small}
    raw = tfprune.select(graph, tfprune.Scores("given", values), ratio=0.25, scope="global")
    assert kept(raw) == {"layer0": 4, "layer1": 2, "head": 1}
    norms = tfprune.Scores("l1", values, comparable=False)
    assert kept(tfprune.select(graph, norms, ratio=0.25, scope="global")) == {
        "layer0": 3, "layer1": 3, "head": 1,
    }  # fmt: skip


def test_ratios_prune_the_named_layers_and_what_is_coupled_to_them(resnet, scores):
    keep = tfprune.select(resnet, scores, ratios={"stage1_block1_conv1": 0.5, "stem_conv": 0.25})
    changed = {name: n for name, n in kept(keep).items() if n < resnet.channels(name)}
    stream = dict.fromkeys(["stem_conv", *(f"stage1_block{b}_conv2" for b in (1, 2, 3))], 12)
    assert changed == {"stage1_block1_conv1": 8, **stream}


def test_counts_say_how_many_channels_stay(resnet, scores):
    keep = tfprune.select(resnet, scores, counts={"stage1_block1_conv1": 5, "stem_conv": 16})
    changed = {name: n for name, n in kept(keep).items() if n < resnet.channels(name)}
    assert changed == {"stage1_block1_conv1": 5}
    best = np.sort(scores["stage1_block1_conv1"].argsort()[-5:])
    np.testing.assert_array_equal(np.flatnonzero(keep["stage1_block1_conv1"]), best)


@pytest.mark.parametrize("scope", ["layer", "global", "isomorphic"])
@pytest.mark.parametrize("target", [0.75, 0.5, 0.2])
@pytest.mark.parametrize("kind", ["macs", "params"])
def test_a_target_is_hit_within_one_percent(resnet, scores, kind, target, scope):
    keep = tfprune.select(resnet, scores, **{kind: target}, scope=scope)
    small = tfprune.rebuild(resnet, keep)
    if kind == "macs":
        share = tfprune.cost(small).macs / tfprune.cost(resnet.model).macs
    else:
        share = small.count_params() / resnet.model.count_params()
    assert share == pytest.approx(target, rel=0.01)


def test_kept_counts_are_rounded_to_a_multiple_and_never_below_the_floor(resnet, scores):
    keep = tfprune.select(resnet, scores, ratio=0.6, round_to=8)
    assert all(count % 8 == 0 for name, count in kept(keep).items() if name != "classifier")
    assert kept(keep)["stem_conv"] == 8
    assert min(kept(tfprune.select(resnet, scores, ratio=0.95, min_channels=5)).values()) == 5


@pytest.mark.parametrize("selector", ["ranking", "border", "mass", "adaptive"])
@pytest.mark.parametrize("amount", [{"ratio": 0}, {"macs": 1.0}, {"threshold": 0.5}])
def test_nothing_goes_where_all_is_excluded_and_nothing_has_to(selector, amount):
    graph = chain(4, 3)
    values = {"layer0": np.arange(4.0), "layer1": np.arange(3.0)}
    scores = tfprune.Scores("given", values, selector, "global")
    keep, notes = choose(graph, scores, **amount, exclude="*")
    assert kept(keep) == {"layer0": 4, "layer1": 3, "head": 1}
    assert notes == []


def test_include_and_exclude(resnet, scores):
    keep = tfprune.select(resnet, scores, ratio=0.5, include="stage2_*_conv1",
                          exclude=["*block3*"])  # fmt: skip
    changed = {name for name, n in kept(keep).items() if n < resnet.channels(name)}
    assert changed == {"stage2_block1_conv1", "stage2_block2_conv1"}


def test_an_excluded_layer_holds_back_what_is_coupled_to_it(resnet, scores):
    keep = tfprune.select(resnet, scores, ratio=0.5, exclude="stem_conv")
    assert keep["stage1_block2_conv2"].all()
    assert not keep["stage2_block2_conv2"].all()


def test_a_threshold_removes_what_scores_below_it_but_not_the_last():
    graph = chain(4, 3)
    scores = {"layer0": np.array([0.1, 0.5, 0.4, 0.9]), "layer1": np.array([0.1, 0.2, 0.3])}
    keep = tfprune.select(graph, scores, threshold=0.5)
    assert keep["layer0"].tolist() == [False, True, False, True]
    assert keep["layer1"].tolist() == [False, False, True]


def test_both_parts_of_a_split_keep_a_channel():
    image = keras.Input((4,))
    x = layers.Dense(8, name="wide")(image)
    parts = [layers.Dense(2)(part) for part in keras.ops.split(x, 2, axis=-1)]
    graph = tfprune.analyse(keras.Model(image, parts))
    keep = tfprune.select(graph, {"wide": np.arange(8.0)}, ratio=0.5)
    assert keep["wide"].tolist() == [False] * 3 + [True, False] + [True] * 3
    tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))


def test_rounding_and_targets_hold_where_a_split_layer_keeps_a_channel():
    vector = keras.Input((4,))
    x = layers.Dense(16, name="wide")(vector)
    parts = [layers.Dense(2)(part) for part in keras.ops.split(x, [4], axis=-1)]
    graph = tfprune.analyse(keras.Model(vector, parts))
    keep = tfprune.select(graph, {"wide": np.arange(16.0)}, ratio=0.5, round_to=4)
    assert keep["wide"].sum() == 8
    assert keep["wide"][:4].tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ratio": 0.5, "exclude": "*"},
            "ratio has no effect, because no channel may go .stem",
        ),
        (
            {"ratios": {"classifier": 0.5}},
            "ratios has no effect.* .classifier: output of the model",
        ),
        (
            {},
            "one of ratio, ratios, counts, macs, params, latency, threshold; received none",
        ),
        ({"ratio": 0.5, "macs": 0.5}, "received ratio and macs"),
        ({"ratio": 1.0}, r"ratio must lie in \[0, 1\), the share that is removed; received 1.0"),
        ({"ratio": -0.1}, "received -0.1"),
        ({"ratio": "half"}, "received 'half'"),
        ({"ratio": False}, "received False"),
        ({"threshold": "x"}, "threshold must be a number, received 'x'"),
        ({"threshold": float("nan")}, "threshold must be a number, received nan"),
        ({"ratios": [0.5]}, "ratios must be {layer name: share}, received .0.5."),
        ({"ratio": 0.5, "exclude": 3}, "patterns of layer names .* received 3"),
        ({"ratio": 0.5, "include": [3]}, "patterns of layer names .* received .3."),
        ({"macs": 0.0}, r"macs must lie in \(0, 1\], the share left; received 0.0"),
        ({"macs": 0.001}, r"macs=0.001 cannot be reached: with all that may go removed, 0.0"),
        (
            {"ratio": 0.5, "scope": "all"},
            "'global' or 'isomorphic', received 'all'",
        ),
        ({"threshold": 0.5, "scope": "global"}, "scope='global' has no effect with threshold"),
        ({"ratio": 0.5, "include": "conv9*"}, "Unknown layer pattern in include 'conv9.'"),
        ({"ratio": 0.5, "exclude": ["nope"]}, "Unknown layer pattern in exclude 'nope'"),
        ({"ratio": 0.5, "round_to": 0}, "round_to must be a whole number from 1 on, received 0"),
        ({"ratio": 0.5, "min_channels": 1.5}, "min_channels must be a whole number"),
        ({"ratios": {"stem_cnv": 0.5}}, "Unknown layer in ratios 'stem_cnv'.*mean 'stem_conv'"),
        ({"counts": [8]}, "counts must be {layer name: channels kept}, received .8."),
        ({"counts": {"stem_cnv": 8}}, "Unknown layer in counts 'stem_cnv'.*mean 'stem_conv'"),
        (
            {"counts": {"stem_conv": 0}},
            r"counts\['stem_conv'\] must be .* from 1 to 16; received 0",
        ),
        ({"counts": {"stem_conv": 17}}, r"from 1 to 16; received 17"),
        (
            {"counts": {"stem_conv": 8, "stage1_block1_conv2": 9}},
            "counts: layers 'stem_conv' .8. and 'stage1_block1_conv2' .9. share channels",
        ),
        (
            {"counts": {"stem_conv": 10}, "round_to": 4},
            "counts: layer 'stem_conv' cannot keep 10 of 16 channels, the nearest is 12",
        ),
        (
            {"counts": {"classifier": 3}},
            "counts has no effect, because no channel may go .cla",
        ),
        ({"ratio": 0.5, "cap": True}, "Unknown option of select with selector 'ranking' 'cap'"),
        ({"ratios": {"stem_conv": 1.5}}, r"ratios\['stem_conv'\] must lie in"),
        (
            {"ratios": {"stem_conv": 0.5, "stage1_block1_conv2": 0.25}},
            "layers 'stem_conv' .0.5. and 'stage1_block1_conv2' .0.25. share channels",
        ),
    ],
)
def test_requests_without_effect_or_out_of_range_are_refused(resnet, scores, options, message):
    with pytest.raises(PruningError, match=message):
        tfprune.select(resnet, scores, **options)


def test_numpy_s_whole_numbers_are_whole_numbers(resnet, scores):
    keep = tfprune.select(resnet, scores, ratio=np.float32(0.5), round_to=np.int64(4))
    assert kept(keep) == kept(tfprune.select(resnet, scores, ratio=0.5, round_to=4))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({}, "scored no layer"),
        (None, "scores as .layer name: .C.., received ChannelGraph and NoneType"),
        ({"layer9": np.ones(4)}, "Unknown layer in scores 'layer9'.*Valid names: .*layer0"),
        ({"layer0": "abcd"}, "expected 4 numbers, received 'abcd'"),
        ({"layer0": [[1], [1, 2]]}, "expected 4 numbers, received "),
        ({"layer0": np.array([1.0, np.nan, 0, 1])}, "expected 4 finite numbers, .* 1 that are not"),
        ({"layer0": np.ones(3)}, r"expected 4 finite numbers, received float64\[3\]"),
    ],
)
def test_scores_that_do_not_suit_are_refused(scores, message):
    with pytest.raises(PruningError, match=message):
        tfprune.select(chain(4), scores, ratio=0.5)


class Counting(keras.layers.Layer):
    """Holds all the weights, and changes a state."""

    def build(self, shape):
        self.count, self.inner = 0, keras.layers.Dense(4)
        self.inner.build(shape)

    def call(self, x):
        self.count = self.count + 1
        return self.inner(x)


def test_a_model_that_is_one_layer_which_cannot_be_opened_says_why():
    x = keras.Input((4,))
    model = keras.Model(x, Counting(name="counting")(x), name="it")
    with pytest.raises(PruningError, match="Counting, InputLayer. tfprune.open_up"):
        tfprune.prune(model, None, method="l1", ratio=0.5)
    with pytest.raises(PruningError, match="'counting' .* sets the attribute 'count'"):
        tfprune.open_up(model)


def test_a_saved_model_has_no_layers_to_prune(tmp_path):
    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
        def __call__(self, x):
            return {"y": 2 * x}

    doubled = Doubled()
    tf.saved_model.save(doubled, str(tmp_path), signatures={"serve": doubled.__call__})
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.TFSMLayer(tmp_path, call_endpoint="serve")(x), name="it")
    text = r"model 'it' has no layer that makes .* InputLayer, TFSMLayer.*load the \.keras file"
    with pytest.raises(PruningError, match=text):
        tfprune.prune(model, None, method="l1", ratio=0.5)
