"""What holds for every module of tests."""

import ctypes
import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def memory_of_one_module():
    """Give back what a module's models took: the suite's process grew to five gigabytes.

    A Keras model is a cycle. Python counts its objects, not the bytes of its tensors, and looks for
    garbage among long-lived objects too seldom; glibc keeps what was freed in small pieces.
    """
    yield
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc only
    if trim:
        trim(0)
