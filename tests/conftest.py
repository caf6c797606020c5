"""Fixtures of the whole suite."""

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

import pytest

GROWTH = 256 * 2**20  # bytes that a process may grow by before garbage is looked for
LIBC = ctypes.CDLL(None)
M_MMAP_THRESHOLD = -3


@pytest.fixture(scope="session", autouse=True)
def memory_of_large_arrays():
    """Let glibc give back at once what was an array of 4 MiB or more.

    Left alone it raises that bound with every array that is freed, up to 32 MiB, and from then on
    keeps such arrays in heaps that one small object in use holds open.
    """
    with suppress(AttributeError):  # another C library
        LIBC.mallopt(M_MMAP_THRESHOLD, 4 * 2**20)


@pytest.fixture(scope="session", autouse=True)
def what_imports_made(memory_of_large_arrays):
    """Leave the 400,000 objects of imported modules out of every search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def memory_of_one_module(what_imports_made):
    """Give back what a module's models took: the suite's process grew to seven gigabytes."""
    yield
    give_back()


@pytest.fixture(autouse=True)
def memory_of_large_models(memory_of_one_module):
    """Give back what large models took before the module's next test makes one.

    A Keras model is a cycle. Python counts its objects, not the bytes of its tensors, and looks for
    garbage among long-lived objects too seldom: of networks of 500 MB five lay there.
    """
    yield
    if resident() > give_back.mark + GROWTH:
        give_back()


def give_back():
    gc.collect()
    with suppress(AttributeError):
        LIBC.malloc_trim(0)
    give_back.mark = resident()


give_back.mark = 0


def resident():
    """Return the bytes that this process holds, 0 where there is no /proc."""
    statistics = Path("/proc/self/statm")
    if not statistics.is_file():
        return 0
    return int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
