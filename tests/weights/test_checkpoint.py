"""Tensors as PyTorch wrote them, in each of its formats."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.weights import hostile as h
from tfprune.weights import read

FIXTURES = Path(__file__).parent / "fixtures"
SIX = np.arange(6, dtype="float32").reshape(2, 3)
BASE = np.arange(24, dtype="float32").reshape(2, 3, 4)
EXPECTED = {  # as make_fixtures.py wrote them
    "base": BASE,
    "transposed": BASE.transpose(2, 0, 1),
    "offset": BASE[1, 1:, ::2],
    "expanded": np.broadcast_to(BASE[0, :1], (5, 4)),
    "parameter": np.float32([1.5, -2]),
    "float64": np.float64([0.1]),
    "float16": np.float16([0.5, 65504]),
    "bfloat16": np.array([1, -2.5, 3.140625], tf.bfloat16.as_numpy_dtype),
    "int64": np.int64(7),
    "int32": np.int32([-1, 2]),
    "int16": np.int16([-1, 2]),
    "int8": np.int8([-1, 2]),
    "uint8": np.uint8([255]),
    "bool": np.array([True, False]),
    "empty": np.zeros((0, 3), "float32"),
    "scalar": np.float32(2.5),
}


@pytest.mark.parametrize("name", ["tensors.pth", "tensors_legacy.pth", "tensors.safetensors"])
def test_every_kind_of_tensor_is_read(name):
    tensors = read(FIXTURES / name)
    assert set(tensors) == set(EXPECTED)
    for key, expected in EXPECTED.items():
        assert tensors[key].dtype == expected.dtype, key
        assert tensors[key].shape == expected.shape, key
        np.testing.assert_array_equal(tensors[key], expected, err_msg=key)


@pytest.mark.parametrize("name", ["tensors.pth", "tensors_legacy.pth"])
def test_windows_on_one_storage_share_it(name):
    tensors = read(FIXTURES / name)
    assert np.shares_memory(tensors["base"], tensors["transposed"]) == (name == "tensors.pth")
    with pytest.raises(ValueError, match="read-only"):
        tensors["expanded"][0] = 1


def test_of_a_training_the_weights_are_taken():
    tensors = read(FIXTURES / "training.pth")
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "weight": (2, 3),
        "bias": (2,),
    }
    np.testing.assert_array_equal(tensors["bias"], [1, 2])


@pytest.mark.parametrize(
    ("keys", "prefix"),
    [
        ((), ""),
        (("state_dict",), "module."),
        (("model",), "module.module."),
        (("net",), "_orig_mod."),
        (("model_state_dict",), "_orig_mod.module."),
        (("model", "state_dict"), ""),
    ],
)
@pytest.mark.parametrize("write", [h.archive, h.legacy])
def test_nests_and_prefixes_are_unwrapped(tmp_path, write, keys, prefix):
    body = h.dict_of(**{f"{prefix}fc.weight": h.tensor(), f"{prefix}note": h.constant(1)})
    for key in keys:
        body = h.dict_of(**{key: body, "best": h.tensor()})
    tensors = read(write(tmp_path / "a.pth", body))
    assert list(tensors) == ["fc.weight"]
    np.testing.assert_array_equal(tensors["fc.weight"], SIX)


def test_a_prefix_of_some_names_only_stays(tmp_path):
    body = h.dict_of(**{"module.a": h.tensor(), "b": h.tensor()})
    assert set(read(h.archive(tmp_path / "a.pth", body))) == {"module.a", "b"}


def test_tensors_of_old_versions_are_read(tmp_path):
    """0.1 to 0.3: no flags behind the strides, parameters made as objects, parts of storages."""
    first = h.call(
        h.name("torch._utils", "_rebuild_tensor"), h.storage(), h.constant(0), h.constant((2, 3)),
        h.constant((3, 1)),
    )  # fmt: skip
    parameter = h.new(h.name("torch.nn.parameter", "Parameter"), first)
    state = h.tuple_of(b"\x88", b"\x89", h.call(h.name("collections", "OrderedDict")))
    part = h.storage("FloatStorage", view=h.constant(("v", 2, 4)))
    cuda = h.storage().replace(b"ctorch\n", b"ctorch.cuda\n")
    body = h.dict_of(
        old=first,
        parameter=h.build(parameter, state),
        part=h.tensor(part, 1, (3,), (1,)),
        cuda=h.tensor(cuda),
    )
    tensors = read(h.legacy(tmp_path / "a.pth", body))
    np.testing.assert_array_equal(tensors["old"], SIX)
    np.testing.assert_array_equal(tensors["parameter"], SIX)
    np.testing.assert_array_equal(tensors["part"], [3, 4, 5])
    np.testing.assert_array_equal(tensors["cuda"], SIX)


def test_the_order_of_bytes_is_heeded(tmp_path):
    files = {"0": struct.pack(">6f", *range(6))}
    path = h.archive(tmp_path / "a.pth", h.dict_of(w=h.tensor()), files)
    assert read(path)["w"][0, 1] != 1
    with zipfile.ZipFile(path, "a") as target:
        target.writestr("m/byteorder", "big")
    np.testing.assert_array_equal(read(path)["w"], SIX)


def test_pytorch_reads_the_same():
    torch = pytest.importorskip("torch")
    for name in ("tensors.pth", "tensors_legacy.pth", "vgg_bn.pth", "hrank_vgg.pth"):
        expected = torch.load(FIXTURES / name, weights_only=True)
        tensors = read(FIXTURES / name)
        assert set(tensors) == set(expected)
        for key, tensor in expected.items():
            numbers = tensor.detach().float().numpy()
            np.testing.assert_array_equal(tensors[key].astype("float32"), numbers, err_msg=key)
