"""What a run ran on, so that its figures can be placed."""

import os
import platform
from importlib import metadata
from typing import Any

import tensorflow as tf

_PACKAGES = ("tfprune", "tensorflow", "keras", "numpy")


def environment() -> dict[str, Any]:
    """Return versions, machine and devices as plain values.

    Example:
        >>> sorted(environment())
        ['cores', 'devices', 'machine', 'python', 'versions']
    """
    return {
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # the repository on the path, not installed
        return None
