"""Photos that show the same picture, found by perceptual hash.

None of them may be on both sides of a split. For folders without an index that says so; every photo
is compared with every other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parrot.duplicates import SIMILAR_BITS, bits_apart
from parrot.errors import RequestError
from parrot.photo import images
from parrot.photo.thumbnails import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LONG_SIDE = 128  # enough for a hash of 64 slow waves


def clusters(paths: Sequence[Path]) -> list[str]:
    """The cluster of each photo: the path of the first one that shows about the same picture.

    A file that is not a photo is a cluster of its own; whoever looks at it will say so.
    """
    hashes = [_hash(path) for path in paths]
    first = list(range(len(paths)))
    for number, phash in enumerate(hashes):
        for other in range(number):
            same = phash and hashes[other] and bits_apart(phash, hashes[other]) <= SIMILAR_BITS
            if same and first[number] != first[other]:
                joined = first[number], first[other]
                first = [min(joined) if one in joined else one for one in first]
    return [str(paths[number]) for number in first]


def _hash(path: Path) -> str:
    try:
        return perceptual_hash(images.upright(images.read(path.read_bytes()), long_side=_LONG_SIDE))
    except RequestError:
        return ""
