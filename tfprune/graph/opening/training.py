"""What stands for `training` in a trace, and calls that branch on it."""


class BranchError(Exception):
    """A call decides by `training` what to compute."""


class Training:
    """Stands for `training`: passed on it says nothing, and nobody may ask it unseen.

    Args:
        decided: what it answers when asked; None: it raises `BranchError`.
    """

    def __init__(self, decided: bool | None = None):
        self.decided = decided

    def __bool__(self) -> bool:
        if self.decided is None:
            raise BranchError("branches on training")
        return self.decided

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return bool(self) == other
