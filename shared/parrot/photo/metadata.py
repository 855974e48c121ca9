"""What the readers of all formats share: what of the metadata matters, and how damage is named."""

from __future__ import annotations

import re

from parrot.errors import InvalidImage

MOST_ICC_BYTES = 64 * 1024
XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
# Of ITU-T H.273: what is not near enough to sRGB to be shown as it is (see `cicp`).
BT2020, DISPLAY_P3 = 9, 12
LINEAR, PQ, HLG = 8, 16, 18
UNNAMED = (BT2020, 2)  # deep colours without a named transfer


def foreign(primaries: int, transfer: int) -> tuple[int, int] | None:
    """Colours that must be converted for a screen; None for all others."""
    foreign = primaries in {BT2020, DISPLAY_P3} or transfer in {LINEAR, PQ, HLG}
    return (primaries, transfer) if foreign else None


def damaged(media_type: str) -> InvalidImage:
    """The refusal of a file that cannot be decoded."""
    return InvalidImage(f"the {media_type} is damaged or incomplete")
