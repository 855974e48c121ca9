"""TensorFlow without its messages, and without Keras until somebody asks for `tf.keras`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["tf"]


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Discard file descriptor 2: TensorFlow's libraries write to it before they read any flag."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a text
            os.dup2(nowhere.fileno(), 2)
        yield  # what fails is still raised
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@contextmanager
def _without_keras() -> Iterator[None]:
    """TensorFlow loads it in case it is needed, and scikit-learn with it: a third of 5 s of CPU."""
    loaded = "keras" in sys.modules
    if not loaded:
        sys.modules["keras"] = None  # type: ignore[assignment]  # "not there"
    try:
        yield
    finally:
        if not loaded:
            del sys.modules["keras"]


for _flag in ("TF_CPP_MIN_LOG_LEVEL", "ABSL_MIN_LOG_LEVEL"):
    os.environ.setdefault(_flag, "3")
with _quiet_stderr(), _without_keras():
    import tensorflow as tf

tf.get_logger().setLevel("ERROR")
