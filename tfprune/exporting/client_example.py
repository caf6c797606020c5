"""Ask a server for the classes of pictures: REST needs Python alone.

    python client.py --name resnet20 picture.png
    python client.py --name resnet20 --grpc --address localhost:8500 picture.png

gRPC needs grpcio, tensorflow and `pip install --no-deps tensorflow-serving-api`.
"""

# ruff: noqa: PLC0415 - what gRPC needs is loaded for gRPC alone

import argparse
import base64
import json
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path


def rest(
    address: str, name: str, contents: Sequence[bytes], timeout: float = 60
) -> list[list[float]]:
    """Return the probabilities of each picture, asked for over REST.

    Args:
        address: host:port.
        name: what the model is served as.
        contents: the bytes of PNG or JPEG files.
        timeout: seconds to wait.
    """
    instances = [{"b64": base64.b64encode(content).decode()} for content in contents]
    request = urllib.request.Request(
        f"http://{address}/v1/models/{name}:predict",
        json.dumps({"signature_name": "bytes", "instances": instances}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        return [one["probabilities"] for one in json.load(answer)["predictions"]]


def grpc(
    address: str, name: str, contents: Sequence[bytes], timeout: float = 60
) -> list[list[float]]:
    """Return the probabilities of each picture, asked for over gRPC; arguments as of `rest`."""
    from grpc import insecure_channel
    from tensorflow import make_ndarray, make_tensor_proto
    from tensorflow_serving.apis.predict_pb2 import PredictRequest
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    request = PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = "bytes"
    request.inputs["content"].CopyFrom(make_tensor_proto(list(contents)))
    with insecure_channel(address) as channel:
        answer = PredictionServiceStub(channel).Predict(request, timeout)
    return make_ndarray(answer.outputs["probabilities"]).tolist()


def labels(folder: str | Path, name: str) -> list[str] | None:
    """Return the names of the classes that lie beside the newest version; None: there are none."""
    found = Path(folder, name).glob("*/assets.extra/labels.txt")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest.read_text(encoding="utf-8").splitlines() if newest else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Print each picture's likeliest class and its probability."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--name", required=True, help="what the model is served as")
    parser.add_argument("--address", help="host:port; localhost:8501, with --grpc localhost:8500")
    parser.add_argument("--grpc", action="store_true", help="ask over gRPC")
    parser.add_argument("pictures", nargs="+", help="PNG or JPEG files")
    given = parser.parse_args(arguments)
    contents = [Path(picture).read_bytes() for picture in given.pictures]
    ask, port = (grpc, 8500) if given.grpc else (rest, 8501)
    answers = ask(given.address or f"localhost:{port}", given.name, contents)
    words = labels(Path(__file__).parent, given.name)
    for picture, probabilities in zip(given.pictures, answers, strict=True):
        place = max(range(len(probabilities)), key=probabilities.__getitem__)
        word = words[place] if words else f"class {place}"
        sys.stdout.write(f"{picture}: {word} {probabilities[place]:.4f}\n")


if __name__ == "__main__":
    main()
