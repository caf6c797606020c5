"""What pyproject.toml cannot say: the wheel carries the scripts, `flags` and `models` inside.

They go as they are into `tfprune_commands/scripts`; that package says why.
"""

from setuptools import find_packages, setup

SCRIPTS = "tfprune_commands.scripts"
PARTS = ("flags", "flags/presets", "models")
INSIDE = {SCRIPTS: ".", **{f"{SCRIPTS}.{part.replace('/', '.')}": part for part in PARTS}}

setup(
    script_name="setup.py",  # so that this file is not taken for one of the scripts
    packages=[*find_packages(include=["tfprune", "tfprune.*", "tfprune_commands"]), *INSIDE],
    package_dir={"": ".", **INSIDE},
    package_data={"tfprune": ["py.typed"], f"{SCRIPTS}.flags.presets": ["*.cfg"]},
)
