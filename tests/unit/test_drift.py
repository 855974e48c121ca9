"""What is read from the log, and when photos differ from what is usual."""

import json
from typing import Any

import numpy as np
import pytest

from models.evaluation import drift
from models.evaluation.baseline import NO_VERSION, Baseline, PhotoLine, of_each, parsed
from parrot.errors import BadBundle
from parrot.logs import SAVED


def entry(rng: np.random.Generator, **other: Any) -> dict[str, Any]:
    """A line as the functions log it, of a photo like all others."""
    verdict = str(rng.choice(["yes", "maybe", "no"], p=[0.5, 0.1, 0.4]))
    return {
        "message": "photo",
        "app": "2.3.0",
        "bundle": "one",
        "verdict": verdict,
        **({"reason": "no_bird"} if verdict == "no" else {"names": int(rng.integers(1, 3))}),
        "doubt": float(rng.beta(1, 9)),
        "brightness": float(rng.beta(8, 2)),
        "sharpness": float(rng.beta(5, 5)),
        "side": int(rng.integers(800, 3000)),
        "distance": float(rng.beta(3, 5)),
        **other,
    }


def week(seed: int, count: int = 600, **other: Any) -> list[PhotoLine]:
    """Lines that went through the log."""
    rng = np.random.default_rng(seed)
    return list(parsed(json.dumps([{"jsonPayload": entry(rng, **other)} for _ in range(count)])))


USUAL = of_each(week(0, 3000))


def found(lines: list[PhotoLine], usual: tuple[Baseline, Baseline] = USUAL) -> set[tuple[str, str]]:
    """Version and measure of what is drift."""
    return {(row.app, row.measure.name) for row in drift.compare(usual, lines) if row.drift}


def test_an_export_and_a_log_are_read_alike_and_what_is_damaged_is_left_out() -> None:
    """The former is a list, the latter has lines among others; a crash may cut one."""
    rng = np.random.default_rng(0)
    good = entry(rng, app=None)
    del good["app"]
    damaged = [
        {**good, "doubt": "much"},
        {**good, "side": None},
        {**good, "verdict": "of course"},
        {**good, "app": ["2.3.0"]},
        {**good, "bundle": "\x1b[2J"},
        {**good, "message": "request"},
        {"message": "photo"},
        "photo",
    ]
    log = [json.dumps(line) for line in (good, *damaged)]
    text = "\n".join(["[a library's own line]", *log, log[0][:40], "[1, 2]"])
    export = json.dumps([{"jsonPayload": line} for line in (good, *damaged)])
    (line,), (same,) = parsed(text), parsed(export)
    assert line == same
    assert (line.app, line.bundle) == (NO_VERSION, "one")
    assert line.side == good["side"]


def test_a_quiet_week_is_quiet() -> None:
    """Someone is woken up by it."""
    assert [found(week(seed)) for seed in range(1, 27)] == [set()] * 26


@pytest.mark.parametrize(
    ("change", "measure", "words"),
    [
        ({"side": 64}, "side", "are smaller than usual: median side 64, usually "),
        ({"doubt": 0.4}, "doubt", "are answered with more doubt than usual: median doubt 0.4"),
        (
            {"verdict": "no", "reason": "too_dark"},
            "reason",
            "100% of other photos are refused as too_dark",
        ),
        (
            {"verdict": "yes", "names": 0},
            "names",
            "100% of photos of parrots get none of the names",
        ),
    ],
)
def test_what_changed_is_said_of_the_version_that_sent_it(
    change: dict[str, Any], measure: str, words: str
) -> None:
    """The others' photos are as ever."""
    lines = [*week(1), *week(2, 150, app="2.3.1", **change)]
    rows = [row for row in drift.compare(USUAL, lines) if row.drift]
    assert {row.app for row in rows} == {"2.3.1"}
    row = next(row for row in rows if row.measure.name == measure)
    assert row.sentence.startswith("app 2.3.1: ")
    assert words in row.sentence


@pytest.mark.parametrize("change", [{"side": 4000}, {"doubt": 0.0}, {"sharpness": 1.0}])
def test_better_photos_are_no_drift(change: dict[str, Any]) -> None:
    """Phones take larger photos each year."""
    assert found(week(1, **change)) == set()


def test_versions_with_few_photos_are_looked_at_together() -> None:
    """A release begins with few phones, and anybody may invent versions."""
    few = [line for n in range(5) for line in week(n, 40, app=f"2.3.{n}", side=64)]
    assert found([*week(9), *few]) == {(drift.OTHER_VERSIONS, "side")}
    assert drift.compare(USUAL, few[:40]) == []


def test_saved_photos_are_compared_with_saved_ones() -> None:
    """People save parrots: the verdicts of what they only ask about are others."""
    saved: dict[str, Any] = {"app": SAVED, "verdict": "yes", "names": 1}
    earlier = [*week(1), *week(2, **saved)]
    assert found([*week(3), *week(4, **saved)], of_each(earlier)) == set()
    assert (SAVED, "verdict") in found(week(5, **{**saved, "verdict": "no"}), of_each(earlier))


def test_a_bundles_baseline_says_nothing_of_the_mix_and_survives_its_file() -> None:
    """A training set has as many other birds as parrots; what people send is another matter."""
    kept = Baseline.load(USUAL[0].dump())
    assert kept.photos == 3000
    dogs = week(1, verdict="no", reason="no_bird")
    assert ("2.3.0", "verdict") in found(dogs)
    assert found(dogs, (kept, kept)) == set()
    assert found(week(1, side=64), (kept, kept)) == {("2.3.0", "side")}


@pytest.mark.parametrize(
    "raw",
    [
        [],
        {"format": 2, "photos": 1, "spreads": {}},
        {"format": 1, "photos": 1, "spreads": {"side, other photos": {"counts": ["many"]}}},
    ],
)
def test_a_damaged_baseline_is_named(raw: Any) -> None:
    """Not a traceback in the middle of a week's check."""
    with pytest.raises(BadBundle, match=r"baseline\.json"):
        Baseline.load(json.dumps(raw).encode())
