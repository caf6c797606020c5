"""What a pickle would cost, found out before it is read."""

import pickletools
from collections.abc import Iterator
from typing import Any, BinaryIO

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
            _apply(opcode, stack)
        if stack and (stack[-1] or 0) > _SHARING * (place + 1000):
            raise ValueError(
                f"at byte {place} it makes {stack[-1]} items out of few, by repetition"
            )


def _apply(opcode: pickletools.OpcodeInfo, stack: list[int | None]) -> None:
    """Take from the stack what an operation takes, and put on it what it makes."""
    weight = sum(_taken(opcode, stack))
    if opcode.name == "MARK":
        stack.append(None)
        return
    stack.extend([weight + 1] * len(opcode.stack_after))


def _taken(opcode: pickletools.OpcodeInfo, stack: list[int | None]) -> Iterator[int]:
    names = [each.name for each in opcode.stack_before]
    plain = len(names)
    if "mark" in names:
        plain = names.index("mark")
        while stack and (top := stack.pop()) is not None:
            yield top
    for _ in range(plain):
        top: Any = stack.pop() if stack else None
        yield top or 1
