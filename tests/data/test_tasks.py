"""What a split's labels may be, how they are divided and how they move: the task says."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune import tasks
from tfprune.data import Arrays, Split
from tfprune.data.partition import Raw, divide, hold_out
from tfprune.errors import PruningError

RNG = np.random.default_rng(0)
MASKS = RNG.integers(1, 200, (12, 16, 24))
IMAGES = np.repeat(MASKS[..., None], 3, -1).astype("uint8")  # a picture of its own labels
SEGMENTATION = tasks.find("segmentation")


def epoch(augment, task=SEGMENTATION):
    split = Split(Arrays(IMAGES, MASKS), task=task)
    settings = {"shuffle": True, "augment": augment, "normalisation": "none", "seed": 2}
    pairs = [(x.numpy(), y.numpy()) for x, y in split.epochs(5, **settings).epoch(1)]
    return [np.concatenate(parts) for parts in zip(*pairs, strict=True)]


@pytest.mark.parametrize("augment", ["none", "crop", "crop_flip"])
def test_masks_in_memory_move_as_their_images_do(augment):
    images, masks = epoch(augment)
    np.testing.assert_array_equal(np.where(masks == 255, 0, masks), images[..., 0])
    assert masks.dtype == np.int64
    assert (masks == 255).any() == (augment != "none")  # what was padded is void
    assert (np.sort(masks.reshape(12, -1)[:, 0]) != np.sort(MASKS.reshape(12, -1)[:, 0])).any() == (
        augment != "none"
    )


def test_a_shifted_mask_takes_the_nearest_label():
    ramp = np.broadcast_to(8 * np.arange(24), (12, 16, 24))
    split = Split(Arrays(np.repeat(ramp[..., None], 3, -1), ramp), task=SEGMENTATION)
    settings = {"augment": "shift_flip", "normalisation": "none", "seed": 1}
    ((images, masks),) = split.epochs(12, **settings).epoch(0)
    assert set(np.unique(masks)) <= set(ramp[0, 0])  # a label, never something in between
    assert np.abs(masks - images[..., 0].numpy()).max() <= 4.001  # half of a step
    assert (masks.numpy() != ramp).any()


def test_labels_of_whole_images_stay_as_they_are():
    split = Split(Arrays(IMAGES, np.arange(12)))
    (batch,) = split.epochs(12, augment="crop_flip").epoch(0)
    np.testing.assert_array_equal(batch[1], np.arange(12))


def test_padding_needs_a_void_label():
    with pytest.raises(PruningError, match=r"augment='crop' needs a void label.*void=255"):
        epoch("crop", tasks.find("segmentation", void=None))
    images, masks = epoch("none", tasks.find("segmentation", void=None))
    np.testing.assert_array_equal(masks, images[..., 0])


@pytest.mark.parametrize(
    ("task", "labels", "text"),
    [
        ("classification", MASKS, r"'classification' expects .*\[N\], .*labels \(12, 16, 24\)"),
        ("segmentation", MASKS[:, 0, 0], r"'segmentation' expects .*\[N, H, W\], .*\(12,\)"),
        ("segmentation", MASKS / 2, r"'segmentation' expects .*of float64"),
    ],
)
def test_labels_of_another_task_are_refused(task, labels, text):
    with pytest.raises(PruningError, match=text):
        Split(Arrays(IMAGES, labels), task=tasks.find(task))


def test_numbers_are_labels_of_a_regression():
    values = RNG.normal(size=(12, 2))
    split = Split(Arrays(IMAGES, values), task=tasks.find("regression"))
    (batch,) = split.epochs(12, augment="crop").epoch(0)
    np.testing.assert_array_equal(batch[1], values)


def test_labels_that_are_no_classes_are_divided_without_strata():
    masks = np.arange(12)[:, None, None] + np.zeros((12, 16, 24), int)
    raw = Raw(IMAGES, masks, IMAGES[:3], masks[:3], ["a", "b"])
    data = divide("streets", raw, 255, 4, 0, SEGMENTATION)
    assert data.task is SEGMENTATION
    found = [split.labels[:, 0, 0].tolist() for split in (data.train, data.validation)]
    assert sorted(found[0] + found[1]) == list(range(12))
    assert len(found[1]) == 4
    with pytest.raises(PruningError, match="validation_size=12 leaves none of the 12 training"):
        divide("streets", raw, 255, 12, 0, SEGMENTATION)


def test_classes_keep_their_shares():
    classes = np.array([0] * 12 + [1] * 4)
    strata = tasks.find().strata(classes)
    _, held = hold_out(16, 4, 0, strata)
    assert np.bincount(classes[held]).tolist() == [3, 1]
    assert SEGMENTATION.strata(MASKS) is None
    assert tasks.find("regression").strata(classes) is None


def test_two_splits_of_one_source_share_its_tensors():
    source = Arrays(IMAGES, np.arange(12))
    halves = [Split(source, places) for places in (np.arange(6), np.arange(6, 12))]
    found = [next(iter(half.batches(6, normalisation="none"))) for half in halves]
    np.testing.assert_array_equal(tf.concat([x for x, _ in found], 0), IMAGES)
    np.testing.assert_array_equal(tf.concat([y for _, y in found], 0), np.arange(12))
    assert [half.labels.tolist() for half in halves] == [[*range(6)], [*range(6, 12)]]
