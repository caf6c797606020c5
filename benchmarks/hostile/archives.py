"""Files that are made to harm: pickles, zips, .npz, .safetensors and .keras."""

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_GLOBALS = ("posix\nsystem", "os\nsystem", "builtins\neval", "builtins\nexec", "subprocess\ncall",
            "numpy.core.multiarray\n_reconstruct", "numpy._core.multiarray\nscalar",
            "numpy._core.numeric\n_frombuffer", "torch\nload", "collections\nOrderedDict",
            "torch._utils\n_rebuild_tensor_v2", "torch\nSize", "codecs\nencode",
            "functools\npartial", "operator\nattrgetter", "builtins\ngetattr",
            "numpy\ndtype", "numpy\nndarray")  # fmt: skip


def calls(canary: Path) -> Iterator[tuple[str, bytes]]:
    """Yield pickles that call a function, with arguments that would show it."""
    shell = f"touch {canary}"
    python = f"open({str(canary)!r}, 'w').close()"
    for name in _GLOBALS:
        for what, argument in (("shell", shell), ("python", python)):
            body = f"c{name}\n(V{argument}\ntR.".encode()
            yield f"{name.replace(chr(10), '.')} of {what}", b"\x80\x02" + body
    yield "inst", f"(V{shell}\niposix\nsystem\n.".encode()
    yield "obj", f"(cposix\nsystem\nV{shell}\no.".encode()
    yield "ext", b"\x80\x02\x82\x01."
    yield "build", f"\x80\x02cbuiltins\nexec\n(V{python}\ntRb.".encode()


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield pickles that are small and make much."""
    for depth in (30, 60, 1000):
        doubled = b"".join(b"h\x00h\x00\x86q\x00" for _ in range(depth))
        for end, text in (("tuple", b"."), ("key", b"}h\x00K\x01s."), ("dict", b"}U\x01ah\x00s.")):
            yield (
                f"doubled {depth} as {end}",
                b"\x80\x02)q\x00"
                + doubled
                + (text if end == "tuple" else text.replace(b"}", b"0}", 1)),
            )
    yield "nested lists", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    yield "nested tuples", b"\x80\x02N" + b"\x85" * 1_000_000 + b"."
    yield "holds itself", b"\x80\x02]q\x00h\x00a."
    yield "dict that holds itself", b"\x80\x02}q\x00U\x01ah\x00s."
    yield "memo index", b"\x80\x02Nr\xff\xff\xff\x7f."
    yield "long integer", b"\x80\x02\x8b\xff\xff\xff\x7f" + b"\1" * 100 + b"."
    yield "long text", b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"x."
    yield "frame", b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N."
    yield "bytearray", b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x."
    yield "decimal digits", b"\x80\x02I" + b"9" * 1_000_000 + b"\n."
    yield "marks", b"\x80\x02" + b"(" * 1_000_000 + b"."
    yield "pops", b"\x80\x02" + b"0" * 10 + b"."
    yield "no stop", b"\x80\x02N"
    yield "protocol", b"\x80\xff."


_SHAPES = ("(1000000000000,)", "(3,)", "(-1,)", "(2**70,)", "(1,) * 9", "'x'", "(1.5,)",
           f"({', '.join(['1'] * 100)},)", "()", "(0, 99999999999999999999)")  # fmt: skip


def npz_headers(canary: Path) -> Iterator[tuple[str, bytes]]:
    """Yield `.npy` members with headers that ask for too much."""

    def member(header: bytes, data: bytes = b"\0" * 64, version: bytes = b"\2\0") -> bytes:
        return b"\x93NUMPY" + version + struct.pack("<I", len(header)) + header + data

    def described(descr: str, shape: str) -> bytes:
        return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()

    for descr in ("'<f8'", "'|u1'", "'|O'", "'|S1000000000'", "'<U5'", "[('a', '<f4')]", "'<M8[s]'",
                  "3", "[]", "'|b1'"):  # fmt: skip
        for shape in _SHAPES:
            yield f"{descr} of {shape[:20]}", member(described(descr, shape))
    yield "deep", member(b"(" * 9_000)
    yield "a call", member(f"open({str(canary)!r}, 'w')".encode())
    yield "long", b"\x93NUMPY\2\0\xff\xff\xff\x7f{}"
    yield "longer than allowed", member(b"{" + b" " * 200_000 + b"}")
    yield "pickle", member(described("'|O'", "(1,)"), next(iter(calls(canary)))[1])
    yield "version", member(b"{}", version=b"\x09\0")
    yield "nothing", b""


def npz(path: Path, member: bytes, names: tuple[str, ...]) -> None:
    """Write a member under each of some names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(f"{name}.npy", member)


def safetensors(draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield `.safetensors` files with headers that lie."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}

    def file(header: object, data: bytes = bytes(8)) -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    for length in (2**31, 2**40, 2**63, 2**64 - 1, 100_000_001, 9):
        yield f"header of {length}", struct.pack("<Q", length) + b"{}" + bytes(8)
    strange = [None, -1, 2**70, 1.5, "x", [], {}, [-1], [2**40, 2**40], [1.5], ["a"], True, [[2]],
               [0] * 1000, [float("nan")], [8, 0], [0, 2**60], [-8, 0]]  # fmt: skip
    for field in entry:
        for value in strange:
            yield f"{field}={str(value)[:20]}", file({"a": {**entry, field: value}})
    for value in strange:
        yield f"tensor {str(value)[:20]}", file({"a": value})
        yield f"header {str(value)[:20]}", file(value)
    yield "overlap", file({"a": entry, "b": entry})
    yield "deep", file(b"[" * 100_000)
    yield "many", file({f"t{i}": {**entry, "shape": [0], "data_offsets": [0, 0]}
                        for i in range(20_000)}, b"")  # fmt: skip
    yield "same name", file(b'{"a": 1, "a": 2}')
    yield "not UTF-8", file(b'{"\xff": 1}')
    for number in range(40):
        good = bytearray(file({"a": entry}))
        for _ in range(3):
            good[draw.randrange(len(good))] = draw.randrange(256)
        yield f"bytes {number}", bytes(good)


def views(count: int, numel: int) -> bytes:
    """Return a checkpoint of PyTorch with many views of one storage."""

    def constant(value: object) -> bytes:
        return pickle.dumps(value, 2)[2:-1]

    storage = (b"(" + constant("storage") + b"ctorch\nFloatStorage\n" + constant("0")
               + constant("cpu") + constant(numel) + b"tQ")  # fmt: skip
    one = (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + constant(0) + constant((numel,))
           + constant((1,)) + constant(False) + b"NtR")  # fmt: skip
    items = b"".join(constant(f"layer{i}.weight") + one for i in range(count))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02}(" + items + b"u.")
        archive.writestr("m/data/0", bytes(4 * numel))
    return file.getvalue()


def zipped(pickled: bytes) -> bytes:
    """Return a checkpoint of PyTorch around a pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", pickled)
        archive.writestr("m/data/0", np.zeros(6, np.float32).tobytes())
    return file.getvalue()


def rewritten(path: Path, changes: dict[str, bytes | None]) -> bytes:
    """Return a zip with some members replaced, or left out where None."""
    file = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = changes.get(name, old.read(name))
            if text is not None:
                new.writestr(name, text)
    return file.getvalue()
