"""CPU time is measured, and charged to the request and to its caller."""

import time

import pytest

from parrot import budget
from parrot.budget import Bill, billed
from parrot.errors import TogetherTooLong, TooManyRequests
from parrot.photo import images
from parrot.quota import CpuSeconds, Visitor
from tests.support.photos import DECODER, encoded, noise

BEN = Visitor("203.0.113.7")


def test_a_request_gets_no_further_photo_once_its_time_is_used() -> None:
    """A 104 kB HEIC took ten seconds, whatever its header said."""
    bill = Bill()
    bill.add(budget.MOST_SECONDS - 1)
    assert 0 < bill.left(0.5) <= 1
    with pytest.raises(TogetherTooLong):
        bill.left(1.5)  # nothing ends a photo in this process, so the estimate has to fit
    bill.add(1.0)
    with pytest.raises(TogetherTooLong), billed(bill):
        DECODER.measure(images.read(encoded(noise())))


def test_time_in_this_thread_counts() -> None:
    """Reading a body and a header costs time too."""
    bill = Bill()
    started = time.thread_time()
    while time.thread_time() - started < 0.02:
        pass
    assert bill.seconds >= 0.02


def test_what_other_requests_of_the_caller_used_meanwhile_counts() -> None:
    """Sixteen at once would each see an unused quota at their beginning."""
    quota = CpuSeconds(30, now=lambda: 0.0)
    with quota.billed(BEN):
        first = budget.bill()
        with quota.billed(BEN):
            budget.bill().add(31.0)
        with pytest.raises(TooManyRequests):
            first.left()


def test_a_photo_without_a_request_has_a_bill_of_its_own() -> None:
    """Training decodes for hours."""
    budget.bill().add(9.0)
    assert budget.bill().left() > 4
