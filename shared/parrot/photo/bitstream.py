"""The real size of a picture, from the first bytes of its HEVC or AV1 stream.

A container's boxes may claim any size; the decoder allocates what the stream says. So the stream's
own parameters are read: HEVC's sequence parameter set (ITU-T H.265, 7.3.2.2), in which blocks that
are not shown count too, and AV1's sequence header (5.5).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Size = tuple[int, int]

_MOST_OBUS = 100
_OBU_SEQUENCE_HEADER = 1
_NAL_SPS = 33
_MOST_SPS, _MOST_SPS_BYTES = 16, 1024
_MOST_UNITS = 256  # in one configuration: encoders write three
_MOST_POWER_OF_TWO = 32


class _Bits:
    """Reads bits from the first to the last. Raises IndexError after the last."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def u(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise IndexError
        return self._value >> self._left & (1 << count) - 1

    def ue(self) -> int:
        """A number in Exp-Golomb code."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MOST_POWER_OF_TWO:
                raise IndexError
        return (1 << zeros) - 1 + self.u(zeros)

    def skip(self, *counts: int) -> None:
        for count in counts:
            self.u(count)


@lru_cache(maxsize=16)  # all tiles of a picture share one
def hevc(configuration: bytes) -> tuple[Size, ...]:
    """Of the parameter sets in an `hvcC` box's body. Raises IndexError where it ends too early."""
    sets: list[Size] = []
    at, units = 23, 0
    for _ in range(configuration[22]):
        kind, count = configuration[at] & 63, int.from_bytes(configuration[at + 1 : at + 3], "big")
        at += 3
        units += count
        if units > _MOST_UNITS:
            raise IndexError
        for _ in range(count):
            length = int.from_bytes(configuration[at : at + 2], "big")
            if kind == _NAL_SPS and len(sets) < _MOST_SPS:
                whole = configuration[at + 4 : at + min(2 + length, _MOST_SPS_BYTES)]
                sets.append(_sps(whole.replace(b"\0\0\3", b"\0\0")))
            at += 2 + length
    return tuple(sets)


def _sps(data: bytes) -> Size:
    bits = _Bits(data)
    bits.skip(4)
    layers = bits.u(3)
    bits.skip(1, 96)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    bits.skip(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.skip(88 * profile, 8 * level)
    bits.ue()
    if bits.ue() == 3:  # noqa: PLR2004 - 4:4:4
        bits.skip(1)
    width, height = bits.ue(), bits.ue()
    return width, height


def av1(units: bytes) -> Iterator[Size]:
    """Of each sequence header in open bitstream units. Raises IndexError as `hevc`."""
    at = 0
    for _ in range(_MOST_OBUS):
        if at >= len(units):
            break
        kind, extended, more = units[at] >> 3 & 15, units[at] >> 2 & 1, units[at] >> 1 & 1
        at += 1 + extended
        length, shift = 0 if more else len(units), 0
        while more:  # seven bits of the length in each byte
            length |= (units[at] & 127) << shift
            more, shift, at = units[at] >> 7, shift + 7, at + 1
            if shift > _MOST_POWER_OF_TWO:
                raise IndexError
        if kind == _OBU_SEQUENCE_HEADER:
            yield _sequence_header(units[at : at + min(length, 256)])
        at += length


def _sequence_header(data: bytes) -> Size:
    bits = _Bits(data)
    bits.skip(4)
    if bits.u(1):  # a still picture's reduced header
        bits.skip(5)
    else:
        delay = 0
        if bits.u(1):
            bits.skip(64)
            if bits.u(1):
                bits.ue()
            if bits.u(1):
                delay = bits.u(5) + 1
                bits.skip(42)
        delayed = bits.u(1)
        for _ in range(bits.u(5) + 1):
            bits.skip(12)
            if bits.u(5) > 7:  # noqa: PLR2004 - levels that have tiers
                bits.skip(1)
            if delay and bits.u(1):
                bits.skip(2 * delay + 1)
            if delayed and bits.u(1):
                bits.skip(4)
    across, down = bits.u(4) + 1, bits.u(4) + 1
    return bits.u(across) + 1, bits.u(down) + 1
