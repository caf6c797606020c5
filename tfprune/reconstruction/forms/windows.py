"""Convolutions, plain, grouped, transposed and separable: windows of the input, gathered."""

from typing import Any

import keras
import numpy as np
from keras import layers

from tfprune.reconstruction.forms._form import Form

_PLAIN = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)


def find(layer: Any) -> Form | None:
    """Return the form of a convolution; None for another layer."""
    forms = {Windows: _PLAIN, Transposed: _TRANSPOSED, Pointwise: _SEPARABLE}
    return next((form(layer) for form, kinds in forms.items() if type(layer) in kinds), None)


class Windows(Form):
    """A plain or grouped convolution: kernel [*window, in / groups, out]."""

    def positions(self, y: np.ndarray) -> int:
        """Return the number of positions of an output map."""
        return int(np.prod(self._last(y).shape[1:-1]))

    def columns(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the window of each row, [groups, rows, window * in / groups]."""
        x, y = self._last(x), self._last(y)
        sample, *place = np.unravel_index(rows, y.shape[:-1])
        index, inside = [sample.reshape(-1, *[1] * len(place))], True
        for axis, at in enumerate(place):
            found, valid = self._reached(axis, at, x.shape[axis + 1], y.shape[axis + 1])
            view = [len(rows), *[1] * len(place)]
            view[axis + 1] = -1
            index.append(found.clip(0, x.shape[axis + 1] - 1).reshape(view))
            inside = inside & valid.reshape(view)
        windows = np.where(inside[..., None], x[tuple(index)], 0)
        groups = self._groups
        parts = windows.reshape(len(rows), -1, groups, windows.shape[-1] // groups)
        return np.moveaxis(parts, 2, 0).reshape(groups, len(rows), -1).astype(np.float64)

    def targets(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the rows of maps, [groups, rows, out / groups]."""
        y = self._last(y)
        flat = y.reshape(-1, y.shape[-1])[rows].astype(np.float64)
        return np.moveaxis(flat.reshape(len(rows), self._groups, -1), 1, 0)

    def arranged(self, kernel: np.ndarray) -> np.ndarray:
        """Return [*window, in / groups, out] as a matrix per group."""
        kernel = kernel.reshape(-1, self._groups, kernel.shape[-1] // self._groups)
        return np.moveaxis(kernel, 1, 0)

    def assign(self, matrix: np.ndarray) -> None:
        """Set the kernel."""
        self.kernel.assign(np.moveaxis(matrix, 0, 1).reshape(self.kernel.shape))

    @property
    def kernel(self) -> Any:
        """The kernel."""
        return self.layer.kernel

    @property
    def _groups(self) -> int:
        return self.layer.groups

    def _last(self, maps: np.ndarray) -> np.ndarray:
        first = self.layer.data_format == "channels_first"
        return np.moveaxis(maps, 1, -1) if first else maps

    def _reached(
        self, axis: int, at: np.ndarray, size: int, out: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which inputs along an axis the outputs at `at` read, and whether they exist.

        Args:
            axis: the axis of the window, from 0.
            at: int [rows], places of outputs.
            size: length of the input along the axis.
            out: length of the output.

        Returns:
            int [rows, window] and bool [rows, window].
        """
        window, stride, dilation = self._geometry(axis)
        before = self._before(window, stride, dilation, size, out)
        found = at[:, None] * stride + np.arange(window) * dilation - before
        return found, (found >= 0) & (found < size)

    def _geometry(self, axis: int) -> tuple[int, int, int]:
        layer = self.layer
        return layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]

    def _before(self, window: int, stride: int, dilation: int, size: int, out: int) -> int:
        """Return the padding before the first input, as TensorFlow pads."""
        reach = (window - 1) * dilation
        if self.layer.padding == "causal":
            return reach
        if self.layer.padding == "valid":
            return 0
        return max((out - 1) * stride + reach + 1 - size, 0) // 2


class Transposed(Windows):
    """A transposed convolution: kernel [*window, out, in], the gradient of a plain one."""

    def arranged(self, kernel: np.ndarray) -> np.ndarray:
        """Return [*window, out, in] as a matrix, [1, window * in, out]."""
        kernel = np.moveaxis(kernel, -1, -2)
        return kernel.reshape(1, -1, kernel.shape[-1])

    def assign(self, matrix: np.ndarray) -> None:
        """Set the kernel."""
        *window, out, inputs = self.kernel.shape
        self.kernel.assign(np.moveaxis(matrix.reshape(*window, inputs, out), -1, -2))

    @property
    def _groups(self) -> int:
        return 1

    def _reached(
        self, axis: int, at: np.ndarray, size: int, out: int
    ) -> tuple[np.ndarray, np.ndarray]:
        window, stride, dilation = self._geometry(axis)
        # The plain convolution that this is the gradient of reads the output and makes the input.
        before = self._before(window, stride, dilation, out, size)
        steps = at[:, None] + before - np.arange(window) * dilation
        found = steps // stride
        return found, (steps % stride == 0) & (found >= 0) & (found < size)


class Pointwise(Windows):
    """The 1x1 kernel of a separable convolution, behind its depthwise one."""

    def columns(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return what the depthwise kernel makes, [1, rows, in * multiplier]."""
        layer = self.layer
        deep = keras.ops.depthwise_conv(
            x,
            layer.depthwise_kernel,
            strides=layer.strides,
            padding=layer.padding,
            data_format=layer.data_format,
            dilation_rate=layer.dilation_rate,
        )
        return self.targets(np.asarray(deep), rows)

    @property
    def kernel(self) -> Any:
        """The pointwise kernel."""
        return self.layer.pointwise_kernel

    @property
    def _groups(self) -> int:
        return 1
