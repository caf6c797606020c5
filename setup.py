"""What pyproject.toml cannot say: the wheel carries the scripts, `flags` and `models` inside.

They go as they are into `tfprune_commands/scripts`; that package says why.
"""

import shutil
from pathlib import Path

from setuptools import find_packages, setup

SCRIPTS = "tfprune_commands.scripts"
PARTS = ("flags", "flags/pages", "flags/presets", "models")
INSIDE = {SCRIPTS: ".", **{f"{SCRIPTS}.{part.replace('/', '.')}": part for part in PARTS}}

for left in Path(__file__).parent.glob("build/lib*"):  # a module that is gone would come back
    shutil.rmtree(left)

setup(
    script_name="setup.py",  # so that this file is not taken for one of the scripts
    packages=[*find_packages(include=["tfprune", "tfprune.*", "tfprune_commands"]), *INSIDE],
    package_dir={"": ".", **INSIDE},
    package_data={
        "tfprune": ["py.typed"],
        f"{SCRIPTS}.flags.pages": ["*.txt"],
        f"{SCRIPTS}.flags.presets": ["*.cfg"],
    },
)
