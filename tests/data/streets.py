"""A few street scenes in PASCAL VOC's folders: sky above a road with a car."""

import numpy as np
from PIL import Image

from tfprune.data.classes import voc_colours

NAMES = ("sky", "road", "car")
CLASSES = "# the classes of the drawn streets\nsky 70 130 180\nroad 128 64 128\ncar 0 0 142\n"
_COLOURS = np.array([(120, 180, 240), (90, 90, 90), (200, 30, 30)], np.uint8)


def mask(seed, size=(24, 32)):
    """Return labels [H, W] with a void line at the horizon."""
    draws = np.random.default_rng(seed)
    horizon, left = draws.integers(8, 14), draws.integers(2, 20)
    labels = np.zeros(size, np.uint8)
    labels[horizon:] = 1
    labels[horizon] = 255
    labels[-8:-2, left : left + 8] = 2
    return labels


def write(root, lists, *, size=(24, 32), palette=False, seed=0):
    """Write lists {name: number of photographs}, and the file classes.txt."""
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    (root / "classes.txt").write_text(CLASSES)
    for place, (name, count) in enumerate(lists.items()):
        own = [f"{name}_{i}" for i in range(count)]
        (root / "ImageSets/Segmentation" / f"{name}.txt").write_text("\n".join(own) + "\n")
        for i, each in enumerate(own):
            labels = mask([seed, place, i], size)
            noise = np.random.default_rng([seed, place, i, 1]).integers(0, 20, (*size, 3))
            colours = _COLOURS[np.where(labels == 255, 1, labels)] - noise.astype(np.uint8)
            Image.fromarray(colours).save(root / "JPEGImages" / f"{each}.jpg", quality=95)
            image = Image.fromarray(labels)
            if palette:
                image.putpalette(np.ravel(voc_colours(256)).tolist())
            image.save(root / "SegmentationClass" / f"{each}.png")
    return root
