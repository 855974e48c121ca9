"""TensorFlow, imported on first use (2.5 s) and with its log messages turned off."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


@cache
def tf() -> Any:
    """The module."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import tensorflow as module  # noqa: ICN001, PLC0415 - tf is this function

    module.get_logger().setLevel("ERROR")
    return module
