"""What a pickle would cost, found out before it is read."""

import pickletools
from typing import BinaryIO

_PUTS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_SHARING = 100  # how much larger than the pickle what it makes may be, each time it is written out


def check(stream: BinaryIO) -> None:
    """Refuse a pickle that makes much more than its length lets expect.

    A tuple that holds another one twice, and so on for sixty lines, has 2^60 items to hash and to
    print; so each value carries the count of items within it. And Python reserves memory up to the
    highest memo index, which an honest pickle counts up.

    Args:
        stream: the pickle; it is read to its end.

    Raises:
        ValueError: it would.
    """
    start = stream.tell()
    stack: list[int | None] = []  # items within each value; None is a mark
    memo: dict[int, int] = {}
    for opcode, argument, position in pickletools.genops(stream):
        place = (position or 0) - start
        if opcode.name in _PUTS:
            index = len(memo) if argument is None else argument
            if index > place:
                raise ValueError(f"memo index {index} at byte {place}")
            memo[index] = (stack[-1] if stack else 1) or 1
        elif opcode.name in _GETS:
            stack.append(memo.get(argument, 1))
        elif opcode.name == "DUP":
            stack.append(stack[-1] if stack else 1)
        else:
            stack += _made(opcode.name, stack)
        if stack and (stack[-1] or 0) > _SHARING * (place + 1000):
            raise ValueError(
                f"at byte {place} it makes {stack[-1]} items out of few, by repetition"
            )


def _made(name: str, stack: list[int | None]) -> list[int | None]:
    """Take from the stack what an operation takes, and return what it puts there."""
    if name == "MARK":
        return [None]
    takes_mark, count, makes = _EFFECTS[name]
    weight = 1
    if takes_mark:
        while stack and (top := stack.pop()) is not None:
            weight += top or 1
    for _ in range(count):
        weight += (stack.pop() if stack else 1) or 1
    return [weight] * makes


def _effects() -> dict[str, tuple[bool, int, int]]:
    """Return {operation: whether it takes all above a mark, how many more, how many it makes}."""
    found = {}
    for opcode in pickletools.opcodes:
        names = [each.name for each in opcode.stack_before]
        plain = names.index("mark") if "mark" in names else len(names)
        found[opcode.name] = ("mark" in names, plain, len(opcode.stack_after))
    return found


_EFFECTS = _effects()  # there are hundreds of thousands of operations in a large checkpoint
