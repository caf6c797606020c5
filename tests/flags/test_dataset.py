"""--image_size is a height and a width."""

import pytest

from flags import dataset
from tfprune.errors import PruningError


@pytest.mark.parametrize("given", ["64", "64,b", "64,64,3"])
def test_what_is_no_size_is_refused_in_the_flags_own_words(given):
    with pytest.raises(PruningError, match=rf"--image_size: expected height,width .*{given}\.$"):
        dataset._size(given.split(","))
    assert dataset._size(["64", " 48"]) == (64, 48)
