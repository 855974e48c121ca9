"""TensorFlow comes without its chatter."""

import sys

from tests.support.commands import done

_USE = """
import sys
from models.network.lazy_tf import tf
print("before", file=sys.stderr)
print(float(tf().reduce_sum([1.0, 2.0])))
print("after", file=sys.stderr)
"""


def test_only_our_own_words_reach_standard_error() -> None:
    """A person who waits for `fit` reads what it does, not what oneDNN says of itself."""
    told = done(sys.executable, "-c", _USE)
    assert (told.stdout, told.stderr) == ("3.0\n", "before\nafter\n")
