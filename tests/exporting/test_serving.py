"""The folders that servers read: names, versions, metadata, the list of models and the client."""

import contextlib
import io
import json
import runpy
import subprocess
import sys
import threading
import zipfile
from concurrent import futures
from http.server import BaseHTTPRequestHandler, HTTPServer

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.exporting.test_export import FORMATS, KNOWN, PACKAGES
from tfprune import files
from tfprune.data import preprocessing
from tfprune.errors import PruningError
from tfprune.exporting import export, read_metadata, write_metadata
from tfprune.exporting.serving import servable_name, suggested_name, write_companions

ABOUT = {"method": "gfbs", "amount": {"ratio": 0.5}, "scores": "12ab", "original": "<&\"'ü>"}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    image = keras.Input((6, 5, 3), name="image")
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(3, name="head")(x), name="mine")


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    export(model, folder, preprocessing=KNOWN, metadata=ABOUT, name="pets")
    return folder


def test_the_layout_is_that_of_tensorflow_serving(served):
    found = sorted(path.name for path in served.iterdir())
    assert found == ["client.py", "models.config", "pets", "preprocessing.json"]
    assert [path.name for path in (served / "pets").iterdir()] == ["1"]
    assert (served / "models.config").read_text().splitlines()[1:] == [
        "model_config_list {", "  config {", '    name: "pets"', '    base_path: "/models/pets"',
        '    model_platform: "tensorflow"', "  }", "}",
    ]  # fmt: skip


def test_the_list_of_models_is_tensorflow_servings_own_message(served):
    messages = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    text_format = pytest.importorskip("google.protobuf.text_format")
    text = (served / "models.config").read_text()
    found = text_format.Parse(text, messages.ModelServerConfig()).model_config_list.config
    assert [(one.name, one.base_path) for one in found] == [("pets", "/models/pets")]


def test_all_models_of_the_folder_are_listed_and_what_someone_has_changed_stays(tmp_path):
    for name in ("b/3", "a/1", "a/2", "no-version/x", "empty/1"):
        (tmp_path / name).mkdir(parents=True)
        if name != "empty/1":
            (tmp_path / name / "saved_model.pb").touch()
    write_companions(tmp_path, client=False)
    config = (tmp_path / "models.config").read_text()
    assert [line.split('"')[1] for line in config.splitlines() if " name:" in line] == ["a", "b"]
    (tmp_path / "models.config").write_text("mine\n")
    write_companions(tmp_path, client=True)
    assert (tmp_path / "models.config").read_text() == "mine\n"
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [
        "client.py", "models.config",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", ".hidden", "7", 'a"b', "a\nb", "<b>", "x" * 101, "größe", None]
)
def test_a_name_that_is_unfit_for_folders_or_urls_is_refused(name, model, tmp_path):
    with pytest.raises(PruningError, match=r"expected a name of at most 100 letters.*received"):
        servable_name(name)
    if name:
        with pytest.raises(PruningError, match=r"expected a name of at most 100 letters"):
            export(model, tmp_path / "new", name=name)
        assert not (tmp_path / "new").exists()
        assert servable_name(suggested_name(name))


@pytest.mark.parametrize("name", FORMATS)
def test_metadata_are_in_the_file_and_read_back(name, model, served, tmp_path):
    for package in PACKAGES.get(name, ()):
        pytest.importorskip(package)
    if name == "saved_model":
        path = served / "pets" / "1"
    else:
        data = np.random.default_rng(0).standard_normal((20, 6, 5, 3))
        needed = {"representative": data} if name == "tflite_int8" else {}
        path = export(
            model, tmp_path, formats=[name], preprocessing=KNOWN, metadata=ABOUT, min_agreement=0,
            **needed,
        )[name]  # fmt: skip
    found = read_metadata(path)
    assert {key: found[key] for key in ABOUT} == ABOUT
    assert found["model"] == "mine"
    assert found["versions"]["tensorflow"] == tf.__version__
    assert tuple(found["labels"]) == KNOWN.labels
    assert found["preprocessing"]["deviation"] == list(KNOWN.deviation)
    if name.startswith("tflite"):
        assert zipfile.ZipFile(path).read("labels.txt").decode().split() == list(KNOWN.labels)


def test_a_saved_model_is_told_of_whole_or_not_at_all(model, tmp_path):
    path = tmp_path / "mine.keras"
    model.save(path)
    before = path.read_bytes()
    with pytest.raises(PruningError, match=r"metadata must be numbers"):
        write_metadata(path, model, {"a": np.zeros(2)})
    assert path.read_bytes() == before
    write_metadata(path, model, ABOUT, KNOWN)
    found = read_metadata(path)
    assert {key: found[key] for key in ABOUT} == ABOUT
    assert tuple(found["labels"]) == KNOWN.labels
    again = keras.models.load_model(path)
    assert all(
        (a == b).all() for a, b in zip(again.get_weights(), model.get_weights(), strict=True)
    )
    assert [one.name for one in tmp_path.iterdir()] == ["mine.keras"]


def test_files_without_metadata_are_told_from_missing_ones(model, tmp_path):
    with pytest.raises(PruningError, match=r"no exported file or folder .*nothing\.onnx"):
        read_metadata(tmp_path / "nothing.onnx")
    model.save(tmp_path / "plain.keras")
    (tmp_path / "plain.tflite").write_bytes(b"TFL3")
    for place in (tmp_path / "plain.keras", tmp_path / "plain.tflite", tmp_path):
        with pytest.raises(PruningError, match=r"tells nothing of itself.*tflite_int8"):
            read_metadata(place)


def test_metadata_that_no_file_can_hold_are_refused(model, tmp_path):
    with pytest.raises(PruningError, match=r"metadata must be numbers, strings.*received \{'a'"):
        export(model, tmp_path / "new", formats=["keras"], metadata={"a": np.zeros(2)})
    assert not (tmp_path / "new").exists()


def test_writers_at_the_same_time_get_a_version_each_and_replace_none(tmp_path):
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / "saved_model.pb").write_text("before")
    (tmp_path / "5").write_text("a file")
    together = threading.Barrier(8)

    def write(number):
        def content(path):
            path.mkdir()
            (path / "saved_model.pb").write_text(str(number))
            together.wait()  # all numbers are looked for after all folders are written

        return files.write_version(tmp_path, content)

    with futures.ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(write, range(8)))
    assert sorted(int(path.name) for path in paths) == list(range(6, 14))
    for number, path in enumerate(paths):
        assert (path / "saved_model.pb").read_text() == str(number)
    assert (tmp_path / "4" / "saved_model.pb").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 10


def test_a_version_that_was_not_written_leaves_nothing(tmp_path):
    with pytest.raises(PruningError, match="Nothing was written"):
        files.write_version(tmp_path / "new", lambda path: None)
    assert list((tmp_path / "new").iterdir()) == []


class Rest(BaseHTTPRequestHandler):
    """TensorFlow Serving's REST for one SavedModel: what docs say of it, not the server itself."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/models/pets:predict"
        contents = [tf.io.decode_base64(_url_safe(one["b64"])) for one in asked["instances"]]
        answer = self.server.model.signatures[asked["signature_name"]](content=tf.stack(contents))
        rows = zip(*(answer[name].numpy().tolist() for name in sorted(answer)), strict=True)
        body = {"predictions": [dict(zip(sorted(answer), row, strict=True)) for row in rows]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args):
        pass


def _url_safe(text):
    return text.replace("+", "-").replace("/", "_").rstrip("=")


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(1)
    raw = [random.integers(0, 256, (6, 5, 3)).astype(np.uint8) for _ in range(2)]
    for number, image in enumerate(raw):
        (tmp_path / f"{number}.png").write_bytes(tf.io.encode_png(image).numpy())
    return [tmp_path / "0.png", tmp_path / "1.png"], np.stack(raw)


def told(model, raw):
    """What the client is to say of raw images."""
    rows = tf.nn.softmax(model(KNOWN.normalise(tf.constant(raw)))).numpy()
    return [f"{KNOWN.labels[row.argmax()]} {row.max():.4f}" for row in rows]


def test_the_client_asks_over_rest_with_python_alone(model, served, pictures):
    server = HTTPServer(("localhost", 0), Rest)
    server.model = tf.saved_model.load(str(served / "pets" / "1"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    paths, raw = pictures
    try:
        done = subprocess.run(  # noqa: S603 - our own file
            [sys.executable, "-I", "-S", served / "client.py", "--name=pets",
             f"--address=localhost:{server.server_port}", *paths],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    expected = [f"{path}: {words}" for path, words in zip(paths, told(model, raw), strict=True)]
    assert done.stdout.splitlines() == expected


def test_the_client_asks_over_grpc(model, served, pictures):
    grpc = pytest.importorskip("grpc")
    messages = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    services = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
    loaded = tf.saved_model.load(str(served / "pets" / "1"))

    class Service(services.PredictionServiceServicer):
        def Predict(self, request, context):
            assert request.model_spec.name == "pets"
            signature = loaded.signatures[request.model_spec.signature_name]
            given = {k: tf.constant(tf.make_ndarray(x)) for k, x in request.inputs.items()}
            answer = messages.PredictResponse()
            for name, value in signature(**given).items():
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(value))
            return answer

    server = grpc.server(futures.ThreadPoolExecutor(1))
    services.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    paths, raw = pictures
    client = runpy.run_path(str(served / "client.py"))
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            given = ["--name=pets", "--grpc", f"--address=localhost:{port}", *map(str, paths)]
            client["main"](given)
    finally:
        server.stop(None)
    expected = [f"{path}: {words}" for path, words in zip(paths, told(model, raw), strict=True)]
    assert said.getvalue().splitlines() == expected


def test_preprocessing_beside_the_versions_is_the_models(served):
    assert preprocessing.load(served) == KNOWN
