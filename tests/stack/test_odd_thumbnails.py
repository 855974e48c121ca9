"""Thumbnails of strange files: all of them, which takes too long for tests/unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parrot.errors import RequestError
from parrot.photo import images, thumbnails
from tests.support.photos import DECODER
from tests.support.webp import assert_silent_file

if TYPE_CHECKING:
    from pathlib import Path


def test_odd_files_leave_no_trace_or_are_refused_as_invalid(odd: Path) -> None:
    """Cameras write unexpected metadata; any other error would be retried all day."""
    done = refused = 0
    for path in sorted(odd.glob("*/*")):
        try:
            photo = images.read(path.read_bytes())
            made = thumbnails.make(photo, DECODER)
        except RequestError:
            refused += 1
            continue
        assert_silent_file(made.image)
        assert_silent_file(made.thumbnail)
        done += 1
    assert done > 80
    assert refused > 5
