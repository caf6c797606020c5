"""Real servers answer with what was exported; on demand, since each needs packages of its own.

    python -m venv triton
    triton/bin/pip install nvidia-pytriton==0.7.0 tensorflow==2.21.0 "numpy<2"
    python -m venv kserve && kserve/bin/pip install kserve tensorflow==2.21.0
    TFPRUNE_TRITON=$PWD/triton/bin/python TFPRUNE_KSERVE=$PWD/kserve/bin/python \
        python -m pytest -m slow tests/exporting/test_real_servers.py
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.exporting import servers
from tests.exporting.test_export import KNOWN
from tests.exporting.test_serving import model, pictures, told
from tfprune.exporting import export

__all__ = ["model", "pictures"]  # fixtures
pytestmark = pytest.mark.slow
WAIT = 300  # seconds for a server to come up, on a busy machine
RAW = np.random.default_rng(3).integers(0, 256, (9, 6, 5, 3)).astype("float32")


def interpreter(server):
    variable = f"TFPRUNE_{server.upper()}"
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no interpreter; see the head of {Path(__file__).name}")
    return os.environ[variable]


def libraries(python):
    """The folder of an interpreter's own library: Triton would load the system's with it."""
    code = "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"
    return subprocess.check_output([python, "-c", code], text=True).strip()  # noqa: S603


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("served")
    export(model, place, preprocessing=KNOWN, name="pets")
    return place


@contextlib.contextmanager
def serving(server, script, folder, ready):
    """Yield the address of a real server of what was exported."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    path = Path(servers.__file__).with_name(script)
    python = interpreter(server)
    environment = {name: x for name, x in os.environ.items() if name != "PYTHONPATH"}
    environment["LD_LIBRARY_PATH"] = libraries(python)
    command = [python, path, folder / "pets" / "1", "pets", str(port)]
    log = folder / f"{server}.log"
    with log.open("w") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        address = f"localhost:{port}"
        for _ in range(WAIT):
            assert process.poll() is None, log.read_text()[-3000:]
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{address}{ready}")
                break
            time.sleep(1)
        else:
            pytest.fail(log.read_text()[-3000:])
        yield address
    finally:
        process.terminate()
        process.wait(60)


def ask(address, path, body):
    request = urllib.request.Request(
        f"http://{address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        pytest.fail(f"{error}: {error.read()[-2000:]}")


def compare(received, model, record_property):
    """Differences from the Keras model: 1e-6, and told in the report of the tests."""
    logits = model(KNOWN.normalise(tf.constant(RAW))).numpy()
    for name, wanted in (("logits", logits), ("probabilities", tf.nn.softmax(logits).numpy())):
        difference = np.abs(np.reshape(received[name], wanted.shape) - wanted).max()
        record_property(name, float(difference))
        sys.stdout.write(f"largest difference of {name}: {difference:.2g}\n")
        assert difference <= 1e-6 * np.abs(wanted).max()


def test_triton_answers_as_keras_does(model, folder, record_property):
    with serving("triton", "triton.py", folder, "/v2/models/pets/ready") as address:
        given = {"name": "images", "shape": RAW.shape, "datatype": "FP32", "data": RAW.tolist()}
        answer = ask(address, "/v2/models/pets/infer", {"inputs": [given]})
    received = {one["name"]: one["data"] for one in answer["outputs"]}
    compare(received, model, record_property)


def test_kserve_answers_as_keras_does_and_the_client_understands_it(
    model, folder, pictures, record_property
):
    paths, raw = pictures
    with serving("kserve", "kserve_v1.py", folder, "/v1/models/pets") as address:
        answer = ask(address, "/v1/models/pets:predict", {"instances": RAW.tolist()})
        command = [sys.executable, "-I", "-S", folder / "client.py", "--name=pets"]
        done = subprocess.run(  # noqa: S603 - our own file
            [*command, f"--address={address}", *paths], capture_output=True, text=True, check=True
        )
    rows = answer["predictions"]
    received = {name: [row[name] for row in rows] for name in rows[0]}
    compare(received, model, record_property)
    expected = [f"{path}: {words}" for path, words in zip(paths, told(model, raw), strict=True)]
    assert done.stdout.splitlines() == expected
