"""Small photographs on disk, whole and damaged."""

import io

import numpy as np
from PIL import Image


def encoded(seed, size=(40, 56), kind="JPEG"):
    """Return a smooth random picture of `size` (H, W) as a file's bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype="uint8")
    image = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return stream.getvalue()


def write(root, classes, count, *, size=(40, 56), suffix="JPEG", seed=0):
    """Write `count` pictures, all different, into each class folder."""
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(count):
            content = encoded([seed, number, i], size, "PNG" if suffix == "png" else "JPEG")
            (root / name / f"{name}_{i:02d}.{suffix}").write_bytes(content)
    return root


def decoded(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
