"""What several workers gain: time per step for 1 and 2 here, and a prediction for more.

    python -m benchmarks.scaling                          # measured, then predicted
    python -m benchmarks.scaling --measure=False --step 0.35 --bandwidth 12.5e9 --latency 2e-5

Measured is weak scaling: each worker has the same images per step and one thread of the processor,
so that two workers on two cores should take as long as one. Efficiency is the time of one worker
over that of several.

Predicted is a ring: every step each device sends and receives 2 (n - 1) / n of the gradients'
bytes (4 per parameter) in 2 (n - 1) messages, after Patarasuk and Yuan, "Bandwidth optimal
all-reduce algorithms for clusters of workstations", 2009. TensorFlow starts before the backward
pass is over; `--overlap` is the share of the communication that costs no time for that.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

NETWORKS = {"resnet50": (224, 224, 3), "deeplabv3_resnet50": (520, 520, 3)}
_PLACES = {"8 GPUs of one machine": "bandwidth_inside", "8 machines": "bandwidth"}


def communication(parameters: int, devices: int, bandwidth: float, latency: float) -> float:
    """Return the seconds in which a ring adds up the gradients of a step.

    Args:
        parameters: of the model, each a float32 gradient.
        devices: how many there are.
        bandwidth: bytes per second, of each device in each direction.
        latency: seconds of one message.

    Example:
        >>> communication(25_000_000, 2, bandwidth=1e9, latency=0.0)
        0.1
        >>> communication(25_000_000, 1, bandwidth=1e9, latency=1.0)
        0.0
    """
    sent = 2 * (devices - 1) / devices * 4 * parameters
    return sent / bandwidth + 2 * (devices - 1) * latency


def efficiency(step: float, exchange: float, overlap: float = 0.0) -> float:
    """Return the share of its time that a device computes in.

    Args:
        step: seconds of a step on one device.
        exchange: seconds of the communication.
        overlap: the share of it that goes on beside the computing, in [0, 1].

    Example:
        >>> efficiency(0.3, 0.1), efficiency(0.3, 0.1, overlap=1.0)
        (0.75, 1.0)
    """
    return step / (step + (1 - overlap) * exchange)


def child(folder: str, images: int, steps: int) -> None:
    """Time training steps of a ResNet-20 in this worker, and let the chief write the median."""
    import keras  # noqa: PLC0415 - TensorFlow's threads are set before anything is computed
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    import models  # noqa: PLC0415
    from tfprune.distribution import strategies, workers  # noqa: PLC0415
    from tfprune.training import Recipe  # noqa: PLC0415
    from tfprune.training.feeding import feed  # noqa: PLC0415
    from tfprune.training.run import Run  # noqa: PLC0415
    from tfprune.training.steps import nothing  # noqa: PLC0415

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with strategies.make("auto").scope():
        keras.utils.set_random_seed(0)
        model = models.build("resnet20", num_classes=10, input_shape=(32, 32, 3))
        run, rng = Run(model, Recipe(epochs=1), None), np.random.default_rng(0)
        size = images * workers.count()
        data = rng.normal(size=(size, 32, 32, 3)).astype("float32"), rng.integers(0, 10, size)
        dataset = tf.data.Dataset.from_tensors(data).repeat()
        batches, sums, seconds = (
            feed(dataset.take(steps + 3)).batches(0),
            nothing(run.objective),
            [],
        )
        for _ in range(steps + 3):  # the first ones trace, and fill the pipeline
            start = time.perf_counter()
            sums, _ = run.train_step(batches, sums, False)
            seconds.append(time.perf_counter() - start)
        if workers.is_chief():
            told = {"step": float(np.median(seconds[3:])), "images": size}
            (Path(folder) / "told.json").write_text(json.dumps(told))


def measured(count: int, images: int, steps: int) -> dict[str, float]:
    """Return the median seconds of a step with so many workers, and its images."""
    with tempfile.TemporaryDirectory() as folder:
        own = ["-m", "benchmarks.scaling", "--child", folder, str(images), str(steps)]
        launched = ["launch.py", f"--workers={count}", "--restarts=0", "--", sys.executable, *own]
        done = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, *launched], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stdout[-2000:])
        return json.loads((Path(folder) / "told.json").read_text())


def predictions(given: argparse.Namespace) -> str:
    """Return the table of what is predicted for eight devices."""
    import models  # noqa: PLC0415 - the children do without

    lines = [f"{'network':<22}{'parameters':>12}  {'where':<24}{'exchange':>10}{'efficiency':>12}"]
    for name, shape in NETWORKS.items():
        network = models.build(name, input_shape=shape)
        count = sum(math.prod(variable.shape) for variable in network.trainable_variables)
        for place, bandwidth in _PLACES.items():
            seconds = communication(count, 8, getattr(given, bandwidth), given.latency)
            share = efficiency(given.step, seconds, given.overlap)
            lines.append(
                f"{name:<22}{count:>12,}  {place:<24}{1000 * seconds:>7.1f} ms{share:>12.1%}"
            )
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", type=lambda text: text != "False", default=True)
    parser.add_argument("--images", type=int, default=32, help="of each worker per step")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--step", type=float, default=0.3, help="seconds of a step on one GPU")
    parser.add_argument("--bandwidth", type=float, default=12.5e9, help="bytes/s of the network")
    parser.add_argument("--bandwidth_inside", type=float, default=2e11, help="bytes/s of a machine")
    parser.add_argument("--latency", type=float, default=2e-5, help="seconds of a message")
    parser.add_argument("--overlap", type=float, default=0.0, help="in [0, 1]")
    given = parser.parse_args()
    if given.measure:
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"ResNet-20, {given.images} images of each worker per step, load {load}")
        first = None
        for count in (1, 2):
            told = measured(count, given.images, given.steps)
            first = first or told["step"]
            rate, share = told["images"] / told["step"], first / told["step"]
            print(
                f"{count} workers: {1000 * told['step']:.0f} ms, {rate:.0f} images/s, {share:.0%}"
            )
    print(f"predicted for steps of {given.step} s")
    print(predictions(given))


if __name__ == "__main__":
    main()
