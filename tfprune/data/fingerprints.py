"""Fingerprints of images, so that data that changes under a run is noticed.

Of images in memory they cover every pixel and label. Of images in files they cover every label,
every file's name (with its folder's) and size, and the whole contents of `SAMPLED` files spread
evenly over the list: another picture of the same name and the same number of bytes passes where
it is none of these. Neither where the data lies nor when it was written counts.
"""

import hashlib

import numpy as np

from tfprune.data.encoded import Encoded

SAMPLED = 100  # files read whole: what a training reads in its first second


def of_arrays(*arrays: np.ndarray) -> str:
    """Return the fingerprint of arrays: of their types, shapes and all numbers.

    Example:
        >>> of_arrays(np.zeros(2)) == of_arrays(np.zeros(2)) != of_arrays(np.zeros((2, 1)))
        True
    """
    found = _hash()
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def of_encoded(encoded: Encoded, places: np.ndarray) -> str:
    """Return the fingerprint of some encoded images.

    Args:
        encoded: where they come from.
        places: which of them, int64 [N].
    """
    found = _hash()
    found.update(encoded.labels[places].astype(np.int64).tobytes())
    for place in places.tolist():
        found.update(encoded.stamp(place).encode(errors="surrogateescape") + b"\0")
    spread = np.unique(np.linspace(0, len(places) - 1, SAMPLED).astype(int)) if len(places) else []
    for i in spread:
        found.update(encoded.read(int(places[i])))
    return found.hexdigest()


def of_fingerprints(*parts: str) -> str:
    """Return the fingerprint of several fingerprints, in their order.

    Example:
        >>> of_fingerprints("a", "bc") != of_fingerprints("ab", "c")
        True
    """
    found = _hash()
    found.update("\0".join(parts).encode())
    return found.hexdigest()


def _hash() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=8)
