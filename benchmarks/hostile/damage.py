"""Ways to spoil a file's bytes."""

import random
from collections.abc import Callable

Spoil = Callable[[bytes, random.Random], bytes]


def _somewhere(data: bytes, draw: random.Random) -> int:
    return draw.randrange(max(1, len(data)))


def _flipped(data: bytes, draw: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(draw.randint(1, 8)):
        found[_somewhere(data, draw)] ^= 1 << draw.randrange(8)
    return bytes(found)


def _with_noise(data: bytes, draw: random.Random) -> bytes:
    place = _somewhere(data, draw)
    return data[:place] + draw.randbytes(draw.randint(1, 64)) + data[place:]


def _without_part(data: bytes, draw: random.Random) -> bytes:
    place = _somewhere(data, draw)
    return data[:place] + data[place + draw.randint(1, 64) :]


def _large_length(data: bytes, draw: random.Random) -> bytes:
    """Put the greatest number where a length may be."""
    place, size = _somewhere(data, draw), draw.choice([2, 4, 8])
    return data[:place] + b"\xff" * (size - 1) + b"\x7f" + data[place + size :]


ANY: dict[str, Spoil] = {
    "empty": lambda data, draw: b"",
    "cut short": lambda data, draw: data[: _somewhere(data, draw)],
    "bits": _flipped,
    "noise within": _with_noise,
    "a part is missing": _without_part,
    "huge length": _large_length,
    "noise": lambda data, draw: draw.randbytes(200),
    "zeros": lambda data, draw: bytes(len(data)),
    "twice": lambda data, draw: data + data,
}
TEXT: dict[str, Spoil] = {
    **ANY,
    "not UTF-8": lambda data, draw: data[:5] + b"\xff\xfe\xe9" + data[5:],
    "UTF-16": lambda data, draw: data.decode(errors="replace").encode("utf-16"),
    "NUL": lambda data, draw: data.replace(b"\n", b"\0", 1) + b"\0",
    "nested deep": lambda data, draw: b"[" * 100_000,
    "nested objects": lambda data, draw: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a list": lambda data, draw: b"[1, 2]",
    "a number": lambda data, draw: b"1e999999",
    "many digits": lambda data, draw: b"1" * 10_000,
    "null": lambda data, draw: b"null",
    "other types": lambda data, draw: b'{"task": [], "epochs": {}, "seed": "x", "labels": 3}',
    "escapes": lambda data, draw: b'{"\\u001b[31m<script>": "\\ud800"}',
    "one long line": lambda data, draw: b"--" + b"x" * 1_000_000,
}
