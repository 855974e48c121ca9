"""How many labels one observation keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from parrot.adapters.sqlite import SqliteObservations
from parrot.errors import Conflict
from parrot.observation import MOST_LABELS, document
from parrot.observations import Observations
from parrot.quota import User
from tests.support.observations import observation
from tests.support.processing import GALAH, KEA, MemoryPhotos

if TYPE_CHECKING:
    from pathlib import Path

ANA = User("ana")


def test_labels_end_before_the_document_grows_large(tmp_path: Path) -> None:
    """A program that relabels endlessly gets a clear answer, and the last label stays."""
    store = SqliteObservations(tmp_path / "observations.db")
    observations = Observations(store, MemoryPhotos())
    stored, _ = store.create(replace(observation(), labels=()))
    for _, species in zip(range(MOST_LABELS), cycle((GALAH, KEA)), strict=False):
        stored = observations.relabel(ANA, stored.id, species)
    with pytest.raises(Conflict, match=f"{MOST_LABELS} labels"):
        observations.relabel(ANA, stored.id, GALAH)
    assert (
        observations.relabel(ANA, stored.id, KEA) == stored
    )  # the same label again is not a change
    assert len(json.dumps(document(stored))) < 32 * 1024
