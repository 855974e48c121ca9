"""What a request may cost in bytes and seconds, and which request may spend it now.

Costs are estimated from what a file says about itself, before anything is decoded. A `Budget` is a
number of bytes that all requests of an instance share: a request that does not fit waits a moment
for others to finish, then is turned away with 503 and `Retry-After`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage, Overloaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parrot.records import Header

MIB = 2**20
# An instance's requests stay under 512 MiB with these, 110 of them the process itself.
BODY_BYTES = 160 * MIB
DECODING_BYTES = 128 * MIB
PATIENCE_SECONDS = 2.5  # an ordinary photo beside hostile ones is answered within three seconds
_BYTES_PER_PIXEL = 12
_ROOM = 8 * MIB  # strips, tables, the reduced picture
# Measured on two shared cores, rounded up.
_SECONDS_PER_BYTE = 40e-9  # of a JPEG's compressed data
_SECONDS_PER_PIXEL = 5e-9
_SECONDS_PER_SCAN_PIXEL = 1e-9  # one more pass over a progressive JPEG's coefficients
_SECONDS_PER_WHOLE_PIXEL = 25e-9  # of a format that is always decoded whole
MOST_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Cost:
    """An upper bound on what decoding takes."""

    bytes: int
    seconds: float


def decoding(header: Header, media_type: str, size: int, *, whole: bool = False) -> Cost:
    """The cost of decoding a file of `size` bytes; `whole`: a JPEG at its full size.

    Raises InvalidImage where no photo of a phone takes that long.
    """
    pixels = header.width * header.height
    if media_type == "image/jpeg":
        kept = 2 * header.channels if header.buffered else 0  # coefficients are 16 bits
        cost = Cost(
            _ROOM + pixels * (kept + (10 if whole else 0)),
            size * _SECONDS_PER_BYTE
            + pixels * (_SECONDS_PER_PIXEL + (header.scans - 1) * _SECONDS_PER_SCAN_PIXEL),
        )
    else:  # decoded whole: the decoder's own picture, Pillow's, and a copy
        cost = Cost(
            _ROOM + pixels * _BYTES_PER_PIXEL,
            max(pixels, header.decoded_pixels) * _SECONDS_PER_WHOLE_PIXEL,
        )
    if cost.seconds > MOST_SECONDS:
        raise InvalidImage(
            f"{header.width} x {header.height} in {header.scans} scans takes too long to decode"
        )
    return cost


class Budget:
    """Bytes that requests share; safe under threads."""

    def __init__(self, capacity: int, *, patience: float = PATIENCE_SECONDS) -> None:
        """`patience`: seconds that a request waits for others."""
        self.capacity = capacity
        self._patience = patience
        self._holders: list[Reservation] = []  # oldest first
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, amount: int = 0) -> Iterator[Reservation]:
        """Hold this many bytes for as long as the context lasts. Raises Overloaded."""
        reservation = Reservation(self)
        try:
            reservation.grow(amount)
            yield reservation
        finally:
            self.hold(reservation, 0)

    def hold(self, reservation: Reservation, amount: int) -> None:
        """Raise a reservation to this many bytes in all; it may have to wait. Raises Overloaded."""
        with self._changed:
            if amount > reservation.held and not self._changed.wait_for(
                lambda: self._fits(reservation, amount), self._patience
            ):
                raise Overloaded("too many large photos at once; try again in a moment")
            if amount and not reservation.held:
                self._holders.append(reservation)
            elif reservation.held and not amount:
                self._holders.remove(reservation)
            reservation.held = amount
            self._changed.notify_all()

    def _fits(self, reservation: Reservation, amount: int) -> bool:
        """The oldest holder may exceed the rest, so one of several that grow can always finish."""
        others = sum(holder.held for holder in self._holders if holder is not reservation)
        first = self._holders[0] if self._holders else reservation
        return others + amount <= self.capacity or first is reservation


class Reservation:
    """What one request holds of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    def grow(self, amount: int) -> None:
        """Hold more. Raises Overloaded."""
        if amount:
            self._budget.hold(self, self.held + amount)

    def keep(self, amount: int) -> None:
        """Hold no more than this from now on."""
        self._budget.hold(self, min(amount, self.held))
