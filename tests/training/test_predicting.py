"""What is predicted of a photograph is what evaluation sees of it."""

import keras
import numpy as np
from PIL import Image

import models
import tfprune.data
from tests.data import streets
from tfprune import training
from tfprune.data import Preprocessing
from tfprune.training import predicting


def test_masks_are_those_that_evaluation_judges(tmp_path):
    root = streets.write(tmp_path / "voc", {"train": 2, "val": 1, "test": 3}, size=(48, 64))
    classes = root / "classes.txt"
    data = tfprune.data.load("voc", data_dir=root, classes=classes, image_size=(24, 32))
    keras.utils.set_random_seed(0)
    model = models.build("deeplab_tiny", num_classes=3, input_shape=data.input_shape)
    right = counted = 0
    for path in sorted((root / "JPEGImages").glob("test_*.jpg")):
        [found] = predicting.masks(model, Preprocessing.of(data), [predicting.read(path)])
        with Image.open(root / "SegmentationClass" / f"{path.stem}.png") as image:
            labels = np.asarray(image)
        right += (found == labels)[labels != 255].sum()
        counted += (labels != 255).sum()
    judged = training.evaluate(model, data.test.batches(1), task=data.task)["pixel_accuracy"]
    assert 0.02 < judged < 0.98
    np.testing.assert_allclose(right / counted, judged, rtol=1e-9)
