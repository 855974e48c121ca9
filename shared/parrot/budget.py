"""What requests may spend: memory, which they share, and CPU time, which their callers pay for.

Costs are estimated from what a file says about itself, before anything is decoded. A `Budget` is a
number of bytes that all requests of an instance share: a request that does not fit waits a moment
for others to finish, then is turned away with 503 and `Retry-After`.

What a file really takes is known only afterwards. So time in this thread and in decoders is added
up in one `Bill`, and no more photos are decoded for a caller who has used up theirs.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot import logs
from parrot.errors import InvalidImage, Overloaded, TogetherTooLong, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
_MOST_PHOTO_SECONDS = 4.0  # of CPU; more is plainly too much
MOST_SECONDS = 5.0  # of CPU, of one request, in all its photos


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
    if cost.seconds > _MOST_PHOTO_SECONDS:
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


class Bill:
    """What one request has used so far."""

    def __init__(
        self,
        caller: object = None,
        charge: Callable[[float], object] | None = None,
        *,
        most: float = MOST_SECONDS,
    ) -> None:
        """`caller`: whose requests share; without one, each request stands for itself.

        `charge` adds seconds to what the caller used, and raises TooManyRequests beyond its limit.
        """
        self.caller = self if caller is None else caller
        self._charge, self._most = charge, most
        self._started = time.thread_time()
        self._elsewhere = self._charged = 0.0

    @property
    def seconds(self) -> float:
        """CPU-seconds of this thread since the bill was opened, and of decoders for it."""
        return time.thread_time() - self._started + self._elsewhere

    def add(self, seconds: float) -> None:
        """Time that another process took for this request."""
        self._elsewhere += seconds

    def settle(self) -> None:
        """Charge what was used since the last time. Raises TooManyRequests."""
        fresh = self.seconds - self._charged
        self._charged += fresh
        if self._charge is not None:
            self._charge(fresh)

    def left(self, estimate: float = 0.0) -> float:
        """Seconds that are left for the next photo, which is expected to take `estimate`.

        Raises TogetherTooLong if it is more than is left, TooManyRequests.
        """
        self.settle()
        left = self._most - self.seconds
        if left <= estimate:
            raise TogetherTooLong
        return left


_current: ContextVar[Bill | None] = ContextVar("bill", default=None)


@contextmanager
def billed(bill: Bill) -> Iterator[None]:
    """What this thread does meanwhile is on this bill, which is settled at the end.

    Raises TooManyRequests if the caller has used up its time already.
    """
    bill.settle()
    token = _current.set(bill)
    try:
        yield
    finally:
        _current.reset(token)
        with suppress(TooManyRequests):  # the answer is there: the caller's next one is refused
            bill.settle()
        logs.add(cpu_seconds=bill.seconds)


def bill() -> Bill:
    """The current request's; without a request (training, tests) one for each photo."""
    return _current.get() or Bill()
