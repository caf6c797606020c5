"""Which images, and where they lie."""

from typing import Any

from absl import flags

import tfprune.data
from tfprune.errors import PruningError

FLAGS = flags.FLAGS
_OWN = ("classes", "train_list", "image_size", "skip_bad")  # options of some data sets
NAMES = ("data", "normalisation", "validation_size", "split_seed", "data_dir", *_OWN)


def define() -> None:
    """Define the flags of the data set."""
    flags.DEFINE_string("data", "cifar10", f"Data set: {', '.join(tfprune.data.names())}.")
    flags.DEFINE_string(
        "normalisation",
        None,
        "Normalisation of images: none, scale, channel, imagenet (torchvision) or pixel; without "
        "it the data set's own.",
    )
    flags.DEFINE_integer(
        "validation_size",
        None,
        "Training images held out for choosing an epoch; 0 trains on all of them.",
        lower_bound=0,
    )
    flags.DEFINE_integer(
        "split_seed",
        0,
        "Seed of the choice of validation images: the same for all runs, whatever their --seed.",
        lower_bound=0,
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of the prepared data set, of class folders, or an .npz file; digits is embedded "
        "and needs none. Without it CIFAR is looked for and downloaded by TensorFlow Datasets.",
    )
    _define_own()


def _define_own() -> None:
    flags.DEFINE_string(
        "classes", "voc", "Classes of the masks: voc, camvid, or a text file of names and colours."
    )
    flags.DEFINE_string(
        "train_list",
        "train",
        "List of the training images, e.g. those of one class (train_car_list.txt): a file, or the "
        "name of one in ImageSets/Segmentation.",
    )
    flags.DEFINE_list(
        "image_size",
        None,
        "Height,width that images of folder and imagenet are resized and cropped to; without it "
        "224,224, or the smaller size that all of a folder have. With masks: what the largest "
        "image is scaled to, others in proportion; without it they keep their size.",
    )
    flags.DEFINE_bool("skip_bad", False, "Leave out images and masks that are not sound.")


def define_batch_size() -> None:
    """Define --batch_size alone, for scripts that do not train."""
    flags.DEFINE_integer("batch_size", 128, "Images per step.", lower_bound=1)


def batch_size() -> int:
    """Return the images per step."""
    return FLAGS.batch_size


def values() -> dict[str, Any]:
    """Return the arguments of `tfprune.data.load`."""
    own = {name: FLAGS[name].value for name in _OWN}
    own["image_size"] = own["image_size"] and _size(own["image_size"])
    return {
        "name": FLAGS.data,
        "data_dir": FLAGS.data_dir,
        "validation_size": FLAGS.validation_size,
        "seed": FLAGS.split_seed,
        **{name: value for name, value in own.items() if name in tfprune.data.options(FLAGS.data)},
    }


def preparation() -> dict[str, str | None]:
    """Return how images are prepared, as `tfprune.runs.Feeding` takes it."""
    return {"normalisation": FLAGS.normalisation}


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    found = {}
    if FLAGS.data == "digits":
        found["data_dir"] = "the digits are embedded in scikit-learn."
    if FLAGS.validation_size == 0:
        found["split_seed"] = "with --validation_size=0 nothing is held out."
    taken = tfprune.data.options(FLAGS.data)
    reason = f"the data set {FLAGS.data!r} does not read it."
    return found | {name: reason for name in _OWN if name not in taken}


def _size(given: list[str]) -> tuple[int, ...]:
    if len(given) != 2 or not all(side.strip().isdecimal() for side in given):
        raise PruningError(
            f"--image_size: expected height,width such as 120,160; received {','.join(given)}."
        )
    return tuple(map(int, given))
