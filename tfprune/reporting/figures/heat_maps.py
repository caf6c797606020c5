"""Where chosen channels of a layer are hot for chosen classes: FGP's figure 1."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INCH = 2.0  # side of a picture


def heat(
    model: keras.Model, image: np.ndarray, layer: str, channels: Sequence[int], number: int
) -> np.ndarray:
    """Return channels' heat maps for a class, ReLU(w A): Grad-CAM of each channel by itself.

    The class's score is its logit, or with a class per pixel the sum of its logit over the pixels
    that the model takes for it; without any such pixel over all of them.

    Args:
        model: one input, outputs [N, classes] or [N, H, W, classes].
        image: as the model takes it, [H, W, C].
        layer: name of a convolution.
        channels: of the layer.
        number: of the class.

    Returns:
        float [channels, H, W], at least 0, at the image's size.
    """
    cam = _gradcam(model)

    def score(outputs: tf.Tensor) -> tf.Tensor:
        own = outputs[..., number]
        if len(outputs.shape) == 2:
            return own
        taken = tf.cast(tf.argmax(outputs, -1) == number, own.dtype)
        some = tf.reduce_any(taken > 0)
        return tf.reduce_sum(own * tf.where(some, taken, tf.ones_like(taken)), [1, 2])

    def of_channel(channel: int) -> np.ndarray:
        def alone(slopes: tf.Tensor) -> tf.Tensor:
            return slopes * tf.one_hot(channel, slopes.shape[-1], dtype=slopes.dtype)

        return np.asarray(
            cam(score, image[None], penultimate_layer=layer, gradient_modifier=alone,
                seek_penultimate_conv_layer=False, normalize_cam=False)[0]
        )  # fmt: skip

    return np.stack([of_channel(channel) for channel in channels])


def _gradcam(model: keras.Model) -> Any:
    with warnings.catch_warnings():  # it imports names that SciPy has moved
        warnings.simplefilter("ignore", DeprecationWarning)
        from tf_keras_vis.gradcam import Gradcam  # noqa: PLC0415
    return Gradcam(model, clone=False)


def heat_maps(
    model: keras.Model,
    image: np.ndarray,
    picture: np.ndarray,
    layer: str,
    channels: Sequence[int],
    classes: Mapping[str, int],
) -> "Figure":
    """Draw the heat maps of channels over a photograph, a class per row.

    The colours of a row begin at 0 and end at the hottest pixel of its channels, so that these
    compare with each other.

    Args:
        model: as for `heat`.
        image: as the model takes it, [H, W, C].
        picture: the same as a person sees it, [H, W, 3] or [H, W, 1] in 0..1.
        layer: name of a convolution.
        channels: of the layer, a column each.
        classes: {name: number}.

    Raises:
        PruningError: no such layer or channel, or nothing to draw.
    """
    names = [each.name for each in model.layers]
    width = model.get_layer(layer).output.shape[-1] if layer in names else 0
    if not channels or not classes or not set(channels) <= set(range(width)):
        raise PruningError(
            f"heat_maps: expected a layer of the model, channels of it and classes; received "
            f"layer={layer!r} of {width} channels, channels={list(channels)!r}, "
            f"classes={dict(classes)!r}."
        )
    figure = canvas(_INCH * (len(channels) + 1) + 1, _INCH * len(classes) * _ratio(picture) + 0.8)
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415 - as the figure itself
    from matplotlib.colors import Normalize  # noqa: PLC0415

    axes = figure.subplots(len(classes), len(channels) + 1, squeeze=False)
    for place, channel in zip(axes[0, 1:], channels, strict=True):
        place.set_title(f"channel {channel}", fontsize=9)
    for row, (name, number) in zip(axes, classes.items(), strict=True):
        maps = heat(model, image, layer, channels, number)
        most = float(maps.max()) or 1.0
        _show(row[0], picture)
        row[0].set_ylabel(name)
        for place, values in zip(row[1:], maps, strict=True):
            _show(place, picture)
            alpha = 0.2 + 0.7 * values / most  # what is cold lets the photograph through
            place.imshow(values, cmap="inferno", alpha=alpha, vmin=0, vmax=most)
        scale = ScalarMappable(Normalize(0, most), "inferno")
        bar = figure.colorbar(scale, ax=[*row], fraction=0.03)
        bar.set_label("heat", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    axes[0, 0].set_title("photograph", fontsize=9)
    figure.suptitle(f"Heat of channels of {layer} for each class", fontsize=11)
    return figure


def _ratio(picture: np.ndarray) -> float:
    return picture.shape[0] / picture.shape[1]


def _show(place: object, picture: np.ndarray) -> None:
    grey = np.asarray(picture).shape[-1] == 1
    shown, colours = (picture[..., 0], "gray") if grey else (picture, None)
    place.imshow(shown, cmap=colours, vmin=0, vmax=1)
    place.set_xticks([])
    place.set_yticks([])
