"""Calls that surgery writes anew are made on real tensors too, such as padded shortcuts."""

import numpy as np

import models
import tfprune


def test_a_network_with_padded_shortcuts_is_measured_and_solved_anew():
    model = models.build("resnet20_a", num_classes=4, input_shape=(16, 16, 3))
    images = np.random.default_rng(0).normal(size=(60, 16, 16, 3)).astype("float32")
    graph = tfprune.analyse(model)
    tfprune.sensitivity(graph, images)  # takes channels of padded streams away, on trial
    keep = tfprune.select(graph, tfprune.score(graph, "random", None), ratio=0.5)
    small = tfprune.rebuild(graph, keep)
    _, found = tfprune.reconstruct(graph, keep, small, images)
    assert found.after < found.before
