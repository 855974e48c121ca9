"""A SavedModel written to its folder, with the requests that warm it up."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from models.network import warm_up
from models.network.lazy_tf import tf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from parrot.model.served_model import InputSpec


@contextmanager
def written(
    module: Any, signatures: Mapping[str, Any], folder: Path, spec: InputSpec
) -> Iterator[Path]:
    """Write a SavedModel to `folder`, completely or not at all, replacing what is there.

    Yields the draft's folder, so that the caller can add files. The signatures are the three that
    `warm_up` knows, for images as `spec` says.
    """
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        tf().saved_model.save(module, str(draft), signatures=dict(signatures))
        warm_up.write(draft, folder.resolve().parent.name, spec)
        yield draft
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
