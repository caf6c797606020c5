"""What a pickle of tensors may name, and what stands for it here."""

from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tfprune.weights._storage import Window

STORAGES = MappingProxyType(
    {
        "DoubleStorage": "float64",
        "FloatStorage": "float32",
        "HalfStorage": "float16",
        "BFloat16Storage": "bfloat16",
        "LongStorage": "int64",
        "IntStorage": "int32",
        "ShortStorage": "int16",
        "CharStorage": "int8",
        "ByteStorage": "uint8",
        "BoolStorage": "bool",
    }
)


def stand_ins() -> Mapping[str, Any]:
    """Return what a pickle may name, made anew each time.

    A pickle may set attributes of what it names; so nothing here lives longer than one reading,
    but for what is immutable: `OrderedDict`, `tuple`, and texts, which stand for storage types.
    """

    def rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *flags: Any) -> Window:
        return Window(storage, offset, shape, strides)

    named = {
        "collections.OrderedDict": OrderedDict,
        "torch._utils._rebuild_tensor": rebuild,
        "torch._utils._rebuild_tensor_v2": rebuild,
        "torch._utils._rebuild_parameter": lambda data, *flags: data,
        "torch.nn.parameter.Parameter": _parameter(),
        "torch.Size": tuple,
        # Beside the weights a checkpoint of a training holds its arguments and its schedule.
        "argparse.Namespace": _inert(),
        "collections.Counter": _inert(),
    }
    places = ("torch", "torch.cuda")
    return named | {f"{p}.{kind}": dtype for kind, dtype in STORAGES.items() for p in places}


def _parameter() -> type:
    class Parameter:
        """Before PyTorch 0.4 a parameter was made as an object around its tensor."""

        def __new__(cls, data: Any = None, *flags: Any) -> Any:
            return data

    return Parameter


def _inert() -> type:
    class Inert:
        """Takes the place of an object that is not wanted, and drops its contents."""

        def __init__(self, *arguments: Any):
            del arguments

        def __setstate__(self, state: object) -> None:
            del state

    return Inert
