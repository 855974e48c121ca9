"""CPU time: measured while a request runs, and charged to the request and to its caller.

Estimates from headers refuse what is plainly too much before it costs anything; what a file really
takes is known only afterwards. So time in this thread and in decoders is added up in one `Bill`,
and no more photos are decoded for a caller who has used up theirs.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

from parrot import logs
from parrot.errors import TogetherTooLong, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_SECONDS = 5.0  # of one request, in all its photos


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
