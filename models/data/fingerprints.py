"""Which photos a bundle was fitted on, and which photos a figure is about.

A bundle carries the first four bytes of each training photo's sha256 (`trained_on.bin`): 7 kB for
1,829 photos. A photo that it was not fitted on has one chance in two million of looking as if it
was. Only the very same file is recognised, not a resized copy.
"""

import hashlib
from collections.abc import Sequence

from models.data.labelled_photos import LabelledPhoto
from parrot.errors import BadBundle

TRAINED_ON = "trained_on.bin"
_PREFIX = 4


def digests(photos: Sequence[LabelledPhoto]) -> list[bytes]:
    """sha256 of each photo's file."""
    return [hashlib.sha256(photo.path.read_bytes()).digest() for photo in photos]


def of_data(photos: Sequence[LabelledPhoto], files: Sequence[bytes]) -> str:
    """Names a data set by its photos and labels, wherever and in whatever order they are kept."""
    lines = sorted(
        f"{digest.hex()} {photo.group} {photo.label}"
        for photo, digest in zip(photos, files, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def dump(files: Sequence[bytes], known: bytes = b"") -> bytes:
    """`trained_on.bin` of these photos and of a known one's: the same ones make the same file.

    Raises BadBundle.
    """
    return b"".join(sorted(_prefixes(known) | {digest[:_PREFIX] for digest in files}))


def seen(trained_on: bytes, files: Sequence[bytes]) -> int:
    """How many of these photos a bundle was fitted on. Raises BadBundle."""
    known = _prefixes(trained_on)
    return sum(digest[:_PREFIX] in known for digest in files)


def _prefixes(trained_on: bytes) -> set[bytes]:
    if len(trained_on) % _PREFIX:
        raise BadBundle(f"{TRAINED_ON} is not a list of {_PREFIX}-byte prefixes")
    return {trained_on[at : at + _PREFIX] for at in range(0, len(trained_on), _PREFIX)}
