"""What is done for one image, and what its random numbers follow from."""

import numpy as np
import pytest

from tfprune.criteria.fmc.images import collect, digest, label, place

MAPS = {"conv": np.random.default_rng(0).random((3, 3, 8))}


def points(maps=MAPS, image=7, seed=0):
    ((found, count),) = place([maps], [image], seed, stride=1)[0].values()
    assert 2 <= count <= 8
    return found


def test_points_follow_seed_layer_and_image_alone():
    np.testing.assert_array_equal(points(), points())
    both = place([MAPS, {"other": MAPS["conv"]}], [3, 7], seed=0, stride=1)
    assert not np.allclose(both[0]["conv"][0], points())
    assert not np.allclose(both[1]["other"][0], points())
    np.testing.assert_array_equal(both[0]["conv"][0], points(image=3))
    assert not np.allclose(points(seed=1), points())


def test_fewer_points_than_clusters_are_a_cluster_each():
    places = np.array([[[0.0, 0], [1, 0], [0, 1], [1, 1], [99, 99]]])
    assert label(places, 7, "conv", [0], seed=0).tolist() == [[0, 1, 2, 3, -1]]
    assert label(places, 1, "conv", [0], seed=0).tolist() == [[0, 0, 0, 0, -1]]


def test_images_come_in_the_order_of_their_digests():
    arrays = [np.full((1, 2), i, "float32") for i in range(5)]
    one, other = (collect((x,) for x in order) for order in (arrays, reversed(arrays)))
    assert one.digests == other.digests == sorted(one.digests)
    for number in range(5):
        np.testing.assert_array_equal(one.own[number], other.own[number])


@pytest.mark.parametrize("other", [np.ones(4), np.ones((1, 3)), np.ones(3, "float32"), np.zeros(3)])
def test_digests_tell_values_shapes_and_types_apart(other):
    assert digest([np.ones(3)]) != digest([other])
    assert digest([np.ones(3)]) == digest([np.ones(3)])
