"""The throughput of the input pipelines: what is counted, not how fast this machine is."""

from pathlib import Path

import numpy as np

from benchmarks import input as throughput
from benchmarks.measuring import Timing


def test_rates_and_multiples_of_the_training_step():
    table = throughput.text({
        throughput.STEP: (100, Timing((1.0, 2.0, 4.0))),
        throughput.LARGE_STEP: (8, Timing((4.0, 4.0, 4.0))),
        "CIFAR, crop_flip, 1": (600, Timing((1.5, 3.0, 6.0))),
        "TFDS, 1": (300, Timing((1.5, 3.0, 6.0))),
    }).splitlines()  # fmt: skip
    assert table[1].split()[-3:] == ["50", "100", "1.0"]
    assert table[3].split()[-3:] == ["200", "400", "4.0"]
    assert table[4].split()[-3:] == ["100", "200", "50.0"]


def test_the_tasks_read_what_they_count(tmp_path):
    data = throughput.write_jpegs(tmp_path, 20)
    assert data.input_shape == (224, 224, 3)
    count, task = throughput.jpegs(data.train, 8, "random_resized_crop_flip", 2)
    assert count == len(data.train) == 16
    task()
    assert data.train.skipped == ()
    count, task = throughput.cifar(50, 8, "crop_flip", 1)
    assert count == 50
    task()


def test_prepared_files_hold_the_same_pictures(tmp_path):
    folders = throughput.write_jpegs(tmp_path / "folders", 20)
    prepared = throughput.write_prepared(tmp_path / "prepared", 20)
    assert len(prepared) == 20
    images = [np.concatenate([x for x, _ in split.batches(7)])
              for split in (prepared, folders.train)]  # fmt: skip
    named = [int(Path(folders.train.source.name(place)).stem) for place in folders.train.places]
    np.testing.assert_array_equal(images[0][named], images[1])
    count, task = throughput.jpegs(prepared, 8, "none", 1)
    assert count == 20
    task()
