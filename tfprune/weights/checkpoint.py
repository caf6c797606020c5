"""Read the tensors of a PyTorch checkpoint, without PyTorch and without running code from it."""

import os

import numpy as np

from tfprune.errors import PruningError
from tfprune.files import usable
from tfprune.weights import _legacy_format, _safetensors_format, _zip_format

_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_KERAS = (".keras", ".h5")
_TORCH = (".pt", ".pth", ".bin", ".ckpt", ".tar")  # "model_best.pth.tar" is no tar archive


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Return the tensors of a checkpoint's state dict by name.

    Reads `.safetensors`, and what `torch.save` wrote in the format of 1.6 and later (a zip
    archive) or before (pickles), whatever its name is. Of a checkpoint of a training, the state
    dict under "state_dict", "model_state_dict", "model" or "net" is taken; the prefixes "module."
    and "_orig_mod." that wrappers give to every name are dropped.

    A pickle may name only what state dicts are made of; anything else is refused and not run.
    Sizes are checked before anything is allocated.

    Args:
        path: the file.

    Returns:
        {name: array} in the file's order, with PyTorch's shapes (a convolution's kernel is
        [out, in, height, width]) and types; float16 and bfloat16 stay so. The arrays may be
        windows on one another: they are not to be written to.

    Raises:
        PruningError: there is no such file, it is damaged (expected and received bytes are
            named), it holds no state dict, or it asks for code to be run.

    Example:
        >>> import json, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny.safetensors"
        >>> header = {"fc.bias": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
        >>> text = json.dumps(header).encode()
        >>> numbers = np.float32([1, 2]).tobytes()
        >>> _ = path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
        >>> read(path)["fc.bias"].tolist()
        [1.0, 2.0]
    """
    path = usable(path)
    if not path.is_file():
        raise PruningError(f"There is no checkpoint {path}. Expected a file; check the path.")
    if path.suffix in _KERAS:
        raise PruningError(
            f"{path} is a Keras file: expected a checkpoint of PyTorch. A .keras file is a model, "
            "keras.models.load_model reads it; model.load_weights reads a .weights.h5 file."
        )
    if path.suffix == ".safetensors":
        return _safetensors_format.read(path)
    with path.open("rb") as file:
        start = file.read(len(_ZIP))
    if start == _ZIP:
        return _zip_format.read(path)
    if start[:1] == _PICKLE:
        return _legacy_format.read(path)
    raise PruningError(
        f"{path} is not a checkpoint: expected a name in .safetensors, or a file that torch.save "
        f"wrote ({', '.join(_TORCH)}, beginning with {_ZIP!r} or {_PICKLE!r}); received one of "
        f"{path.stat().st_size} bytes that begins with {start!r}."
    )
