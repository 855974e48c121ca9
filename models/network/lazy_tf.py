"""TensorFlow, imported on first use (2.5 s) and with its log messages turned off."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def tf() -> Any:
    """The module; it uses an accelerator if it finds one."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet():
        import tensorflow as module  # noqa: ICN001, PLC0415 - tf is this function
    module.get_logger().setLevel("ERROR")
    return module


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what is written to standard error meanwhile.

    TensorFlow's C++ greets before it has read any setting. What fails is still raised.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a text
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
