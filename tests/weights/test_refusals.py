"""What is not a tensor is refused before it runs, and files that lie are found out."""

import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.weights import hostile as h
from tfprune.errors import PruningError
from tfprune.weights import read

FIXTURES = Path(__file__).parent / "fixtures"
SIX = np.arange(6, dtype="float32").reshape(2, 3)


def attack(module, attribute, *arguments):
    return h.call(h.name(module, attribute), *map(h.constant, arguments))


def getattr_chain(command):
    """builtins.getattr(os, "system")(command), without naming os.system."""
    getter = h.name("builtins", "getattr")
    system = h.call(getter, h.name("os", "path"), h.constant("os"))
    return h.call(h.call(getter, system, h.constant("system")), h.constant(command))


def attacks(marker):
    command, source = f"touch {marker}", f"open({str(marker)!r}, 'w')"
    return {
        "os.system": attack("os", "system", command),
        "posix.system": attack("posix", "system", command),
        "builtins.eval": attack("builtins", "eval", source),
        "builtins.exec": attack("builtins", "exec", source),
        "__builtin__.eval": attack("__builtin__", "eval", source),
        "builtins.getattr": getattr_chain(command),
        "subprocess.Popen": attack("subprocess", "Popen", ["touch", str(marker)]),
        "torch.load": attack("torch", "load", "other.pth"),
        "torch._utils.sys.modules": attack("torch._utils", "sys.modules"),
        "collections.OrderedDict.__class__": attack("collections", "OrderedDict.__class__"),
        "collections._sys": h.name("collections", "_sys"),
        "models.vgg.VGG": h.new(h.name("models.vgg", "VGG")),
    }


@pytest.mark.parametrize("write", [h.archive, h.legacy])
@pytest.mark.parametrize("what", attacks("m"))
def test_code_is_refused_by_name_and_does_not_run(tmp_path, what, write):
    marker = tmp_path / "marker"
    body = h.dict_of(good=h.tensor(), bad=attacks(marker)[what])
    path = write(tmp_path / "bad.pth", body)
    with pytest.raises(PruningError, match=rf"bad\.pth is refused: it asks for '{what}', which"):
        read(path)
    assert not marker.exists()


def test_the_attack_would_work_on_an_open_unpickler(tmp_path):
    """So that the marker proves something."""
    marker = tmp_path / "marker"
    pickle.loads(h.whole(getattr_chain(f"touch {marker}")))  # noqa: S301
    assert marker.exists()


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])  # 4 names functions by another opcode
def test_code_is_refused_in_every_protocol(tmp_path, protocol):
    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'marker'}",)

    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("m/data.pkl", pickle.dumps({"w": Bomb()}, protocol))
    with pytest.raises(PruningError, match=r"asks for 'posix\.system'.*torch\._utils\._rebuild"):
        read(path)
    assert not (tmp_path / "marker").exists()


def test_what_a_pickle_sets_on_stand_ins_is_gone_afterwards(tmp_path):
    """BUILD with two states sets attributes of any object, also of a function or a class."""
    state = h.tuple_of(b"N", h.dict_of(__defaults__=h.constant((1, 2)), __doc__=h.constant("bad")))
    rebuild = h.build(h.name("torch._utils", "_rebuild_tensor_v2"), state)
    parameter = h.build(
        h.name("torch.nn.parameter", "Parameter"),
        h.tuple_of(b"N", h.dict_of(__new__=h.name("argparse", "Namespace"))),
    )
    body = h.dict_of(a=rebuild, b=parameter, w=h.tensor())
    np.testing.assert_array_equal(read(h.archive(tmp_path / "a.pth", body))["w"], SIX)
    old = h.new(h.name("torch.nn.parameter", "Parameter"), h.tensor())
    good = h.archive(tmp_path / "b.pth", h.dict_of(w=old))
    np.testing.assert_array_equal(read(good)["w"], SIX)


def test_tensors_and_storages_cannot_be_altered_by_a_state(tmp_path):
    changed = h.build(h.storage(), h.dict_of(numel=h.constant(10**9)))
    window = h.build(h.tensor(changed), h.dict_of(shape=h.constant((10**6, 3))))
    path = h.archive(tmp_path / "a.pth", h.dict_of(w=window))
    np.testing.assert_array_equal(read(path)["w"], SIX)


def doubled(times):
    """A tuple of 2 ** times items, in so many lines: of a tuple twice, and so on."""
    lines = (b"0h%ch%c\x86q%c" % (i, i, i + 1) for i in range(times))
    return h.tuple_of(h.constant(1)) + b"q\x00" + b"".join(lines)


@pytest.mark.parametrize(
    "body",
    [
        b"}" + doubled(60) + h.constant(1) + b"s",
        h.dict_of(w=h.tensor(shape=(1,), strides=(1,))) + doubled(60) + h.constant(1) + b"s",
        h.dict_of(w=h.tuple_of(h.constant("storage"), doubled(60)) + b"Q"),
        b"}" + h.constant("a") + doubled(40) + b"s",
    ],
    ids=["key", "second key", "storage", "value"],
)
def test_what_repeats_itself_without_end_is_refused(tmp_path, body):
    with pytest.raises(PruningError, match=r"makes \d+ items out of few, by repetition"):
        read(h.archive(tmp_path / "bomb.pth", body))


def test_what_is_shared_within_reason_is_read(tmp_path):
    body = b"}" + h.constant("w") + h.tensor() + b"s" + h.constant("betas") + doubled(5) + b"s"
    assert list(read(h.archive(tmp_path / "sound.pth", body))) == ["w"]


def test_a_state_dict_within_itself_is_refused(tmp_path):
    body = b"}q\x01" + h.constant("state_dict") + b"h\x01s"
    with pytest.raises(PruningError, match=r"a state dict within itself, under 'state_dict'"):
        read(h.archive(tmp_path / "loop.pth", body))


def test_many_views_of_one_storage_are_refused(tmp_path):
    numel = 2**20
    views = {f"w{i}": h.tensor(h.storage(numel=numel), 0, (numel,), (1,)) for i in range(40)}
    path = h.archive(tmp_path / "views.pth", h.dict_of(**views), {"0": bytes(4 * numel)})
    with pytest.raises(PruningError, match=r"its 40 tensors have 167772160 bytes and the file 4"):
        read(path)


def test_reserved_memory_is_refused(tmp_path):
    """A memo index makes Python reserve that many places."""
    body = h.constant(1) + b"r" + struct.pack("<I", 2**31 - 1)
    with pytest.raises(PruningError, match=r"memo index 2147483647 at byte"):
        read(h.archive(tmp_path / "a.pth", body))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"shape": (2, 4), "strides": (4, 1)}, r"at least 32 bytes, received one of 24"),
        ({"offset": 1}, r"'w' of shape \(2, 3\).*at least 28 bytes, received one of 24"),
        ({"shape": (10**12,), "strides": (1,)}, r"at least 4000000000000 bytes"),
        ({"strides": (-3, 1)}, r"expected whole sizes and strides, received .*\(-3, 1\)"),
        ({"strides": (1,)}, r"expected whole sizes and strides"),
        ({"shape": (0, 10**30), "strides": (1, 1)}, r"expected whole .*size \(0, 1000"),
        ({"shape": (10**10, 10**10), "strides": (0, 0)}, r"expected whole sizes"),
        ({"shape": (1,) * 65, "strides": (1,) * 65}, r"expected whole sizes"),
        ({"shape": "ab"}, r"expected whole sizes and strides"),
    ],
)
def test_windows_beyond_their_storage_are_refused(tmp_path, how, text):
    for write in (h.archive, h.legacy):
        with pytest.raises(PruningError, match=text):
            read(write(tmp_path / "a.pth", h.dict_of(w=h.tensor(**how))))


def test_a_tensor_without_a_storage_is_refused(tmp_path):
    with pytest.raises(PruningError, match=r"expected whole sizes and strides"):
        read(h.archive(tmp_path / "a.pth", h.dict_of(w=h.tensor(h.constant(3)))))


def test_a_storage_of_another_size_than_its_file_is_refused(tmp_path):
    body = h.dict_of(w=h.tensor(h.storage(numel=10**12)))
    with pytest.raises(
        PruningError, match=r"'m/data/0': expected 4000000000000 bytes.*received 24"
    ):
        read(h.archive(tmp_path / "a.pth", body))
    with pytest.raises(PruningError, match=r"'0': expected 1000000000000 elements .*received 6 el"):
        read(h.legacy(tmp_path / "a.pth", body))
    with pytest.raises(PruningError, match=r"there is no entry 'm/data/0'"):
        read(h.archive(tmp_path / "a.pth", body, {}))


def test_a_storage_of_more_than_is_claimed_is_refused_too(tmp_path):
    body = h.dict_of(w=h.tensor(h.storage(numel=4), shape=(4,), strides=(1,)))
    with pytest.raises(PruningError, match=r"'m/data/0': expected 16 bytes.*received 24"):
        read(h.archive(tmp_path / "a.pth", body))
    with pytest.raises(PruningError, match=r"'0': expected 4 elements in 16 bytes, received 6 el"):
        read(h.legacy(tmp_path / "a.pth", body))


def test_two_claims_on_one_storage_are_both_checked(tmp_path):
    body = h.dict_of(a=h.tensor(), w=h.tensor(h.storage(numel=600), shape=(100,), strides=(6,)))
    with pytest.raises(PruningError, match=r"expected 2400 bytes, not compressed, received 24"):
        read(h.archive(tmp_path / "a.pth", body))
    with pytest.raises(PruningError, match=r"expected 600 elements in 2400 bytes, received 6"):
        read(h.legacy(tmp_path / "a.pth", body))


@pytest.mark.parametrize(
    "view", [h.constant(("v", 4, 6)), h.constant(("v", -1, 2)), h.constant(("v", 0, -1))]
)
def test_a_part_beyond_its_storage_is_refused(tmp_path, view):
    body = h.dict_of(w=h.tensor(h.storage(view=view)))
    with pytest.raises(PruningError, match=r"storage '0' of 6 elements cannot have a part"):
        read(h.legacy(tmp_path / "a.pth", body))


def test_a_compressed_entry_is_refused(tmp_path):
    """It could unfold to any size."""
    files = {"0": bytes(24)}
    path = h.archive(
        tmp_path / "a.pth", h.dict_of(w=h.tensor()), files, compression=zipfile.ZIP_DEFLATED
    )
    with pytest.raises(PruningError, match=r"expected \d+ bytes, not compressed"):
        read(path)


@pytest.mark.parametrize("name", ["tensors.pth", "tensors_legacy.pth", "tensors.safetensors"])
def test_a_file_cut_anywhere_is_refused(tmp_path, name):
    data = (FIXTURES / name).read_bytes()
    path = tmp_path / name
    for size in [*range(0, len(data), max(len(data) // 60, 1)), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(PruningError, match=str(path)):
            read(path)


@pytest.mark.parametrize("name", ["tensors.pth", "tensors_legacy.pth", "tensors.safetensors"])
def test_a_file_with_a_wrong_byte_is_read_or_refused(tmp_path, name):
    """Never another error, and never memory beyond the file's."""
    data = bytearray((FIXTURES / name).read_bytes())
    path = tmp_path / name
    generator = np.random.default_rng(0)
    for place in generator.choice(len(data), 150, replace=False):
        changed = data.copy()
        changed[place] ^= int(generator.integers(1, 256))
        path.write_bytes(changed)
        try:
            for tensor in read(path).values():
                tensor.sum()
        except PruningError as error:
            assert len(str(error)) < 2000  # noqa: PT017 - both ends are fine


def safetensors(path, header, data=bytes(24)):
    text = header if isinstance(header, bytes) else str(header).replace("'", '"').encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(dtype="F32", shape=(2, 3), begin=0, end=24):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"w": entry(shape=(2, 4))}, r"'w': expected 32 bytes from byte 0 on, received .*0 to 24"),
        ({"w": entry(begin=4, end=28)}, r"from byte 0 on, received those from 4 to 28"),
        ({"w": entry(end=20, shape=(5,))}, r"expected 20 bytes of numbers, received 24"),
        ({"a": entry(), "w": entry()}, r"expected 24 bytes from byte 24 on, received .*0 to 24"),
        ({"w": entry("F8_E4M3")}, r"expected a dtype among F64, .*received .*F8_E4M3"),
        ({"w": entry(shape=(2.5, 3))}, r"'w': expected a dtype among"),
        ({"w": entry(shape=(-2, -3))}, r"a possible shape, received \[-2, -3\]"),
        ({"w": entry(shape=(0, 10**30), end=0)}, r"a possible shape, received \[0, 1000"),
        ({"w": {"dtype": "F32"}}, r"'w': expected a dtype among"),
        ({"w": 3}, r"'w': expected a dtype among"),
        (b"[1]", r"expected a JSON header of tensors"),
        (b"{", r"expected a JSON header of tensors, .*JSONDecodeError"),
    ],
)
def test_safetensors_headers_that_lie_are_refused(tmp_path, header, text):
    with pytest.raises(PruningError, match=text):
        read(safetensors(tmp_path / "a.safetensors", header))


def test_a_safetensors_header_longer_than_the_file_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(PruningError, match=r"header of 4611686018427387904 bytes, received 2 "):
        read(path)


def test_other_files_are_named(tmp_path):
    with pytest.raises(PruningError, match=r"There is no checkpoint .*none\.pth"):
        read(tmp_path / "none.pth")
    (tmp_path / "a.pth").write_bytes(b"\x00\x01 text")
    with pytest.raises(PruningError, match=r"a\.pth is not a checkpoint: .*7 bytes that begins"):
        read(tmp_path / "a.pth")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"w": 1}, 2))
    with pytest.raises(PruningError, match=r"not a PyTorch checkpoint: .*received \{'w': 1\}"):
        read(tmp_path / "a.pkl")
    for name in ("a.keras", "a.weights.h5"):
        (tmp_path / name).write_bytes(b"PK\x03\x04")
        with pytest.raises(PruningError, match=r"Keras file.*keras\.models\.load_model"):
            read(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr("text", "")
    with pytest.raises(PruningError, match=r"one <name>/data\.pkl, .*received 0 of them"):
        read(tmp_path / "a.zip")


def test_a_checkpoint_without_weights_says_what_it_holds(tmp_path):
    path = h.archive(tmp_path / "a.pth", h.dict_of(epoch=h.constant(3), weights=h.dict_of()))
    with pytest.raises(PruningError, match=r"no state dict: .*received the keys epoch, weights"):
        read(path)
    with pytest.raises(PruningError, match=r"no state dict: .*received list"):
        read(h.archive(tmp_path / "a.pth", h.constant([1])))
