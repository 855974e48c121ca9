"""A short run of `./dev.sh fuzz`, and what it would call a finding."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from local import fuzz
from local.fuzz import Sample

if TYPE_CHECKING:
    from local.stack import Running

PROBLEM = "application/problem+json"
ASKED = Sample("functions", "GET", "/parrot-classifier/observations")


def test_no_changed_request_breaks_the_stack(running: Running) -> None:
    """No 5xx but those that mean "later", only problems, and every process lives."""
    findings = list(fuzz.session(running, inputs=300, seed=8))
    assert findings == []
    assert running.supervisor.ended() == []


@pytest.mark.parametrize(
    ("status", "media_type", "body", "wrong"),
    [
        (200, "application/json", b"{}", False),
        (404, PROBLEM, b'{"code": "not_found"}', False),
        (503, PROBLEM, b'{"code": "overloaded"}', False),
        (500, PROBLEM, b'{"code": "internal"}', True),
        (503, PROBLEM, b'{"code": "store_unavailable"}', True),
        (400, "text/html", b"<html>", True),
        (400, PROBLEM, b"<html>", True),
    ],
)
def test_what_counts_as_a_finding(
    status: int, media_type: str, body: bytes, *, wrong: bool
) -> None:
    """Else a run that finds nothing would mean nothing."""
    assert (fuzz.judge(ASKED, status, media_type, body) is not None) == wrong


def test_a_seed_repeats_a_run() -> None:
    """A finding can be looked at again."""
    good = fuzz.samples([b"photo" * 50], "id", "/file", "bucket")

    def changed(seed: int) -> list[Sample]:
        chance = random.Random(seed)
        return [fuzz.mutated(chance.choice(good), chance) for _ in range(50)]

    assert changed(1) == changed(1)
    assert changed(1) != changed(2)
