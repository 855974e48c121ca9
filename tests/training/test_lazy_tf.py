"""TensorFlow comes without its chatter."""

import subprocess
import sys

_USE = """
import sys
from models.network.lazy_tf import tf
print("before", file=sys.stderr)
print(float(tf().reduce_sum([1.0, 2.0])))
print("after", file=sys.stderr)
"""


def test_only_our_own_words_reach_standard_error() -> None:
    """A person who waits for `fit` reads what it does, not what oneDNN says of itself."""
    done = subprocess.run([sys.executable, "-c", _USE], capture_output=True, text=True, check=True)
    assert done.stdout == "3.0\n"
    assert done.stderr == "before\nafter\n"
