"""The throughput of the input pipelines: what is counted, not how fast this machine is."""

from benchmarks import input as throughput
from benchmarks.measuring import Timing


def test_rates_and_multiples_of_the_training_step():
    table = throughput.text({
        throughput.STEP: (100, Timing((1.0, 2.0, 4.0))),
        "pipeline": (600, Timing((1.5, 3.0, 6.0))),
    }).splitlines()  # fmt: skip
    assert table[1].split()[-3:] == ["50", "100", "1.0"]
    assert table[2].split() == ["pipeline", "200", "400", "4.0"]


def test_the_tasks_read_what_they_count(tmp_path):
    data = throughput.write_jpegs(tmp_path, 20)
    assert data.input_shape == (224, 224, 3)
    count, task = throughput.jpegs(data, 8, "random_resized_crop_flip")
    assert count == len(data.train) == 16
    task()
    assert data.train.skipped == ()
    count, task = throughput.cifar(50, 8, "crop_flip")
    assert count == 50
    task()
