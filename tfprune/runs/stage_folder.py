"""What one stage of a run keeps, so that an interrupted run goes on with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from tfprune import files
from tfprune.distribution import workers
from tfprune.passes.keeping import keeping
from tfprune.runs.masks_file import load_masks, save_masks
from tfprune.runs.own_folder import agree
from tfprune.schedules._schedule import Masks

SCORING = "scoring"  # folder of a scoring that goes on after a kill
_ANEW = "Remove that file and call again: what it tells is found anew."


class StageFolder:
    """The folder of one stage. Of several workers all go on with what the chief has found.

    Args:
        path: the folder; made if it is missing.
    """

    def __init__(self, path: Path):
        self.path = files.make_folder(path)

    def model(self, name: str, make: Callable[[], keras.Model]) -> keras.Model:
        """Return the model of a file, which is made if an interrupted run has not done so.

        Kept, because on several threads the same sums differ in their last bits.

        Args:
            name: of the file.
            make: returns the model.
        """
        path = self.path / name
        if path.is_file():
            return files.load_model(path)
        model = make()
        files.save_model(model, path)
        agree(path)
        return model if workers.count() == 1 else files.load_model(path)

    def values(self, name: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the plain values of a JSON file, which are found if no run has done so.

        Args:
            name: of the file.
            find: returns the values.
        """
        path = self.path / name
        if not path.is_file():
            files.write_json(path, find())
            agree(path)
        return read_values(path)

    def masks(self, choose: Callable[[], Masks]) -> Masks:
        """Return keep masks as an interrupted run chose them: its training belongs to them.

        Args:
            choose: returns the masks.
        """
        if not (self.path / "masks.npz").is_file():
            with keeping(self.path / SCORING):
                masks = choose()
            keep_masks(self.path, masks)
            files.remove(self.path / SCORING)
        return load_masks(self.path / "masks.npz")


def keep_masks(folder: Path, masks: Masks) -> None:
    """Write keep masks into a folder, the chief's."""
    save_masks(folder, masks)
    agree(folder / "masks.npz", folder / "masks.json")


def read_values(path: Path) -> dict[str, Any]:
    """Return the plain values of a JSON file that a stage has kept."""
    return files.read_json(path, _ANEW)
