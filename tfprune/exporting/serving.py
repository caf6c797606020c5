"""What lies beside the versions of models: TensorFlow Serving's list of them, and a client."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from tfprune.errors import PruningError
from tfprune.files import read_text, write_text

CONFIG = "models.config"
CLIENT = "client.py"
_NAME = re.compile(r"(?!\d+$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MADE = "# Written anew by each export, unless this line is removed.\n"
_MODEL = """  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
"""


def servable_name(name: str) -> str:
    """Return a name that is fit for a folder, a URL and a configuration file.

    Args:
        name: what a model is to be served as.

    Raises:
        PruningError: it is not.

    Example:
        >>> servable_name("resnet20")
        'resnet20'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PruningError(
            "export: expected a name of at most 100 letters, digits, dots, dashes and underscores, "
            f"a letter or digit first and not of digits alone; received {name!r}."
        )
    return name


def suggested_name(text: str) -> str:
    """Return a servable name that resembles a text.

    Example:
        >>> suggested_name("my model (2)")
        'my_model_2'
    """
    found = re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("._-")[:100]
    return found if _NAME.fullmatch(found) else f"model_{found}"[:100].rstrip("_")


def write_companions(directory: str | os.PathLike, *, client: bool) -> None:
    """Write the list of the models in a folder, and a client, unless someone has changed them.

    Args:
        directory: a folder of folders, one for each model, of its versions.
        client: whether a client is written; it sends pictures.
    """
    if client:
        _keep(Path(directory) / CLIENT, _client)
    _keep(Path(directory) / CONFIG, lambda: _config(Path(directory)))


def _keep(path: Path, made: Callable[[], str]) -> None:
    if path.exists() and not read_text(path, "Remove it.").startswith(_MADE):
        return
    text = None
    while text != (text := made()):  # another export may have added a model meanwhile
        write_text(path, text)


def _config(directory: Path) -> str:
    found = (path.parent for path in directory.glob("*/*/saved_model.pb"))
    names = {path.parent.name for path in found if path.name.isdecimal()}
    models = "".join(_MODEL.format(name=name) for name in sorted(names) if _NAME.fullmatch(name))
    return f"{_MADE}model_config_list {{\n{models}}}\n"


def _client() -> str:
    source = Path(__file__).with_name("client_example.py")
    return _MADE + read_text(source, "Install tfprune again.")
