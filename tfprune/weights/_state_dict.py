"""Where a checkpoint keeps its weights, and under which names."""

from collections.abc import Mapping
from typing import Any

from tfprune.errors import PruningError
from tfprune.weights._storage import Window

_NESTS = ("state_dict", "model_state_dict", "model", "net")  # as training scripts name them
_DEPTH = 8
_MOST_TIMES, _FREE = 16, 2**26
_WRAPPERS = ("module.", "_orig_mod.")  # DataParallel, torch.compile


def tensors_of(content: Any, where: str, size: int) -> dict[str, Window]:
    """Return the tensors of a checkpoint's state dict by name.

    What a training keeps beside the weights (optimizer, epoch, ...) is left out, and so is a
    prefix that a wrapper gave to every name.

    Args:
        content: what was unpickled.
        where: what was read, for errors.
        size: of the file, in bytes.

    Raises:
        PruningError: there is no state dict, or its tensors are far larger than the file.
    """
    state, depth = content, 0
    while isinstance(state, Mapping) and (nest := _nest(state)) is not None:
        state, depth = state[nest], depth + 1
        if depth > _DEPTH:
            raise PruningError(_refusal(where, f"a state dict within itself, under {nest!r}"))
    if not isinstance(state, Mapping):
        raise PruningError(_refusal(where, type(state).__name__))
    found = {str(name): x for name, x in state.items() if isinstance(x, Window)}
    if not found:
        raise PruningError(_refusal(where, f"the keys {', '.join(map(str, state)) or '(none)'}"))
    _require_possible(found, where, size)
    return without_wrappers(found)


def _require_possible(tensors: Mapping[str, Window], where: str, size: int) -> None:
    """Refuse tensors that together are much larger than their file, by sharing its numbers."""
    total = sum(window.nbytes for window in tensors.values())
    if total > _MOST_TIMES * size + _FREE:
        raise PruningError(
            f"{where}: its {len(tensors)} tensors have {total} bytes and the file {size}: they "
            f"share its numbers. Expected at most {_MOST_TIMES} times the file's size. Save "
            "model.state_dict() anew."
        )


def without_wrappers(tensors: dict[str, Any]) -> dict[str, Any]:
    """Return the tensors without a prefix that a wrapper gave to every name.

    Example:
        >>> without_wrappers({"module.fc.weight": 1, "module.fc.bias": 2})
        {'fc.weight': 1, 'fc.bias': 2}
    """
    for prefix in _WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return without_wrappers({k.removeprefix(prefix): v for k, v in tensors.items()})
    return tensors


def _nest(state: Mapping) -> str | None:
    return next((key for key in _NESTS if isinstance(state.get(key), Mapping)), None)


def _refusal(where: str, received: str) -> str:
    return (
        f"{where} holds no state dict: expected names with tensors, at the top or under one of "
        f"{', '.join(_NESTS)}; received {received:.300}. Save model.state_dict()."
    )
