"""Depthwise convolutions and normalisations: one factor and one offset per channel."""

from typing import Any

import numpy as np
from keras import layers

from tfprune.reconstruction.forms._form import Form

_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_NORMS = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)


def find(layer: Any) -> Form | None:
    """Return the form of a layer that treats each channel by itself; None for another one."""
    if type(layer) in _DEPTHWISE:
        return DepthwiseGain(layer)
    if type(layer) in _NORMS and getattr(layer, "gamma", None) is not None and _axis(layer):
        return NormGain(layer)
    return None


def _axis(layer: Any) -> int | None:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return axes[0] if len(axes) == 1 else None


class Gain(Form):
    """The present output times a factor per channel: a matrix of one column per group."""

    has_kernel = False

    def positions(self, y: np.ndarray) -> int:
        """Return the number of positions of an output."""
        return int(np.prod(self._last(y).shape[1:-1]))

    def columns(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the present outputs without the offset, [channels, rows, 1]."""
        bias = self.bias()
        values = self.targets(y, rows)
        return values if bias is None else values - bias[:, None, :]

    def targets(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return outputs as rows, [channels, rows, 1]."""
        y = self._last(y)
        return y.reshape(-1, y.shape[-1])[rows].astype(np.float64).T[:, :, None]

    def matrix(self) -> np.ndarray:
        """Return a factor of 1 per channel."""
        return np.ones((int(np.prod(self.kernel.shape[-2:])), 1, 1))

    def arranged(self, kernel: np.ndarray) -> np.ndarray:
        """Return one number per channel, [channels, 1, 1]."""
        return kernel.reshape(-1, 1, 1)

    def _last(self, y: np.ndarray) -> np.ndarray:
        return np.moveaxis(y, self._axis, -1)


class DepthwiseGain(Gain):
    """A depthwise convolution: kernel [*window, in, multiplier]."""

    def assign(self, matrix: np.ndarray) -> None:
        """Multiply the kernel by the factors."""
        kernel = self.layer.kernel
        factors = matrix.reshape(kernel.shape[-2:])
        kernel.assign(kernel.numpy() * factors)

    @property
    def kernel(self) -> Any:
        """The kernel."""
        return self.layer.kernel

    @property
    def _axis(self) -> int:
        return 1 if self.layer.data_format == "channels_first" else -1


class NormGain(Gain):
    """A normalisation with scale: gamma, and beta where it has one."""

    def assign(self, matrix: np.ndarray) -> None:
        """Multiply gamma by the factors."""
        self.layer.gamma.assign(self.layer.gamma.numpy() * matrix.reshape(-1))

    def bias(self) -> np.ndarray | None:
        """Return beta as an offset per channel."""
        beta = self.layer.beta
        return None if beta is None else np.float64(beta.numpy())[:, None]

    @property
    def takes_offset(self) -> bool:
        """Whether there is a beta."""
        return self.layer.beta is not None

    def shift(self, offset: np.ndarray) -> None:
        """Add an offset to beta."""
        self.layer.beta.assign(self.layer.beta.numpy() + offset.reshape(-1))

    @property
    def kernel(self) -> Any:
        """The scale."""
        return self.layer.gamma

    @property
    def _axis(self) -> int:
        return _axis(self.layer)
