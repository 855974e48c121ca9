"""What a request may cost in bytes and seconds, and who may spend it now.

Costs are estimated from what a file says about itself, before anything is decoded. A `Budget` is a
number of bytes that all requests of an instance share: a request that does not fit waits a moment
for others to finish, then is turned away with 503 and `Retry-After`.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot.errors import InvalidImage, Overloaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parrot.headers import Header

MIB = 2**20
PATIENCE_SECONDS = 2.5  # an honest photo beside hostile ones is answered within three seconds
_BYTES_PER_PIXEL = 12
_ROOM = 8 * MIB  # strips, tables, the reduced picture
# Measured on two shared cores, rounded up.
_SECONDS_PER_BYTE = 40e-9  # of a JPEG's compressed data
_SECONDS_PER_PIXEL = 5e-9
_SECONDS_PER_SCAN_PIXEL = 1e-9  # one more pass over a progressive JPEG's coefficients
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
        cost = Cost(_ROOM + pixels * _BYTES_PER_PIXEL, 0.0)
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
        self._free = capacity
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, amount: int = 0) -> Iterator[Reservation]:
        """Hold this many bytes for as long as the context lasts. Raises Overloaded."""
        reservation = Reservation(self)
        try:
            reservation.grow(amount)
            yield reservation
        finally:
            self.give_back(reservation.held)

    def take(self, amount: int) -> None:
        """Wait until so many bytes are free, and take them. Raises Overloaded."""
        deadline = time.monotonic() + self._patience
        with self._changed:
            while amount > self._free:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise Overloaded("too many large photos at once; try again in a moment")
            self._free -= amount

    def give_back(self, amount: int) -> None:
        """Free so many bytes."""
        with self._changed:
            self._free += amount
            self._changed.notify_all()


class Reservation:
    """What one request holds of a budget; at most the whole of it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    def grow(self, amount: int) -> None:
        """Hold more. Raises Overloaded."""
        more = min(amount, self._budget.capacity - self.held)
        if more > 0:
            self._budget.take(more)
            self.held += more
