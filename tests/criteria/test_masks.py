"""Criteria on a network with a class per pixel: each scores, or says why it cannot."""

import numpy as np
import pytest

import tfprune
from tfprune import criteria, plugins
from tfprune.criteria import fgp
from tfprune.errors import PruningError
from tfprune.scoring.scoring import criterion_options

DRAWS = np.random.default_rng(0)
IMAGES = DRAWS.normal(size=(6, 8, 8, 3)).astype("float32")
MASKS = DRAWS.integers(0, 3, (6, 8, 8))
MASKS[:, 0] = 255


@pytest.mark.parametrize("name", sorted({*plugins.names(criteria)} - {"gfi"}))
def test_every_criterion_scores_a_segmentation(segmenter, name):
    module = plugins.find(criteria, name, "criterion")
    task = {"task": "segmentation"} if "task" in criterion_options(module) else {}
    data = [(IMAGES, MASKS)] if module.METHOD.needs_data else None
    scores = tfprune.score(segmenter, name, data, **task)
    assert scores["first"].shape[0] == 8
    assert np.ptp(np.asarray(scores["first"], float)) > 0


def test_gfi_takes_a_class_per_image(segmenter):
    with pytest.raises(PruningError, match=r"of shape \['N'\]; .*Masks belong to the task 'segm"):
        tfprune.score(segmenter, "gfi", [(IMAGES, MASKS)])


def test_scores_are_means_of_the_support_of_classes(segmenter):
    data = [(IMAGES, MASKS)]
    support = fgp.class_support(segmenter, data, task="segmentation")
    scores = fgp.score(segmenter, data, task="segmentation")
    assert support["second"].shape == (3, 6)
    assert np.ptp(support["second"], axis=0).max() > 0
    for name, each in support.items():
        np.testing.assert_array_equal(scores[name], each.mean(0))
    one = fgp.class_support(segmenter, data, task="segmentation", classes=[2])
    np.testing.assert_allclose(one["second"][0], support["second"][2], rtol=1e-5)
