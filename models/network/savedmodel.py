"""A SavedModel written to its folder, with a request that warms it up."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from models.network.lazy_tf import tf
from models.network.photo_graph import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from parrot.model.inputs import InputSpec


@contextmanager
def written(
    module: Any, signatures: Mapping[str, Any], folder: Path, spec: InputSpec
) -> Iterator[Path]:
    """Write a SavedModel to `folder`, completely or not at all, replacing what is there.

    Yields the draft's folder, so that the caller can add files. One of them is a request with raw
    pixels: the local server replays it after loading, so that no phone waits for a cold graph.
    """
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        tf().saved_model.save(module, str(draft), signatures=dict(signatures))
        _write_warmup(draft, spec)
        yield draft
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_warmup(folder: Path, spec: InputSpec) -> None:
    grey = np.full((spec.height, spec.width, CHANNELS), 127, np.uint8).tobytes()
    extra = folder / "assets.extra"
    extra.mkdir(parents=True, exist_ok=True)
    body = {"instances": [{"b64": base64.b64encode(grey).decode()}]}
    (extra / "warmup.json").write_text(json.dumps(body))
