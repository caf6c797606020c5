"""A photograph with the colours of its classes laid over it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfprune.data.classes import Classes

_GAP, _TEXT = 6, 14  # pixels: between the parts of the legend, and of its letters
_LEAST = 0.001  # share of the pixels from which a class is worth a line


def overlay(
    picture: np.ndarray, labels: np.ndarray, classes: Classes, *, strength: float = 0.6
) -> Image.Image:
    """Lay the colours of classes over a photograph, with a legend beside it.

    Args:
        picture: uint8 [H, W, 3].
        labels: class numbers [H, W]; what is not a class is drawn as void.
        classes: names and colours.
        strength: of the colours, in [0, 1].

    Returns:
        The photograph at its own size, on the right the classes that it shows, with their shares
        of the pixels.

    Example:
        >>> from tfprune.data import classes
        >>> overlay(np.zeros((8, 8, 3), "uint8"), np.zeros((8, 8), int), classes.find("voc")).mode
        'RGB'
    """
    colours = classes.palette()[np.asarray(labels).astype(np.uint8)]
    mixed = picture * (1.0 - strength) + colours * strength
    image = Image.fromarray(np.round(mixed).astype(np.uint8))
    legend = _legend(np.asarray(labels), classes)
    whole = Image.new(
        "RGB", (image.width + legend.width, max(image.height, legend.height)), "white"
    )
    whole.paste(image, (0, 0))
    whole.paste(legend, (image.width, 0))
    return whole


def _legend(labels: np.ndarray, classes: Classes) -> Image.Image:
    shares = [float((labels == number).mean()) for number in range(len(classes.names))]
    order = np.argsort(shares)[::-1]
    shown = [int(number) for number in order if shares[number] >= _LEAST]
    lines = [(classes.colours[n], f"{classes.names[n]} {shares[n]:.1%}") for n in shown]
    return _drawn(lines)


def _drawn(lines: Sequence[tuple[tuple[int, int, int], str]]) -> Image.Image:
    font = ImageFont.load_default(_TEXT)
    step = _TEXT + _GAP
    widest = max((font.getlength(text) for _, text in lines), default=0)
    image = Image.new("RGB", (int(widest) + step + 3 * _GAP, len(lines) * step + 2 * _GAP), "white")
    draw = ImageDraw.Draw(image)
    for line, (colour, text) in enumerate(lines):
        top = _GAP + line * step
        draw.rectangle((_GAP, top, _GAP + _TEXT, top + _TEXT), colour, "black")
        draw.text((2 * _GAP + step, top), text, "black", font)
    return image
