"""A candidate answers beside the bundle in use: it is heard by the log alone, and hurts nobody."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from models.backfill.shadow import Compared, told
from parrot.classify import Classifier
from parrot.errors import BadBundle, StoreUnavailable
from parrot.model.bundle import Bundle
from parrot.model.heads import Softmax
from parrot.records import Basis, Classification
from parrot.shadow import Agreement, Shadow, beside, check
from tests.support.observations import observation
from tests.support.photos import DECODER
from tests.support.scripted_model import (
    DOUBT,
    NAMES,
    NO_PARROT,
    PHOTO,
    SURE,
    TWO,
    Scripted,
    bundle,
)

IN_USE = bundle()
PICKY = replace(NAMES, share=0.6)


def named(version: str, **changes: object) -> Bundle:
    """The bundle in use under another version, with other rules."""
    given = bundle(**changes)
    return replace(given, manifest=replace(given.manifest, version=version))


def other_names() -> Bundle:
    """One that swaps both macaws."""
    heads, swapped = IN_USE.naming, [1, 0, 2]
    assert heads is not None
    weights, biases = heads.species.weights[:, swapped], heads.species.biases[swapped]
    return replace(named("swapped"), naming=replace(heads, species=Softmax(weights, biases)))


def classified(
    looks: Sequence[tuple[float, ...]], hears: Callable[[Basis, Classification], None] | None
) -> tuple[Classification, list[int]]:
    """The answer, and how many photos each request had."""
    server = Scripted(list(looks))
    answer = Classifier(IN_USE, server, DECODER, hears).classify(PHOTO)
    return replace(answer, timings=()), server.requests


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.__dict__["fields"] for record in caplog.records if record.msg == "shadow"]


@pytest.mark.parametrize(
    ("candidate", "look", "agrees"),
    [
        (named("same"), SURE, (True, True, True)),
        (named("stricter", threshold=0.99, maybe=0.5), SURE, (False, True, True)),
        (other_names(), SURE, (True, False, False)),
        (named("picky", naming=PICKY), TWO, (True, False, True)),
        (named("surest", second_look=None), NO_PARROT, (True, True, True)),
    ],
)
def test_the_log_says_what_agrees_and_nothing_else(
    candidate: Bundle,
    look: tuple[float, ...],
    agrees: tuple[bool, bool, bool],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What people's photos show is not for the log."""
    shadow = Shadow(IN_USE, lambda: candidate)
    shadow.load()
    alone = classified([look, look], None)
    with caplog.at_level("INFO", "parrot"):
        assert classified([look, look], shadow) == alone, "the same answer from as many passes"
    verdict, in_set, first = agrees
    assert lines(caplog) == [
        {
            "candidate": candidate.manifest.version,
            "verdict_agrees": verdict,
            "set_agrees": in_set,
            "first_agrees": first,
        }
    ]


def test_a_candidate_hears_all_looks() -> None:
    """It decides on what the bundle in use looked at, as its own classifier would."""
    heard: list[Classification] = []
    classified([DOUBT, SURE], lambda seen, answer: heard.append(beside(IN_USE, seen, answer)))
    answer, _ = classified([DOUBT, SURE], None)
    (other,) = heard
    assert Agreement.of(answer, other) == Agreement(
        verdict_agrees=True, set_agrees=True, first_agrees=True
    )
    assert other.parrot_probability == answer.parrot_probability
    assert [line.probability for line in other.species] == [
        line.probability for line in answer.species
    ]


@pytest.mark.parametrize(
    "found",
    [
        replace(IN_USE, naming=None),
        BadBundle("gate.npz is damaged"),
        StoreUnavailable("the bundle cannot be read right now"),
        MemoryError(),
    ],
    ids=["no heads", "damaged", "unreachable", "unlucky"],
)
def test_a_candidate_that_cannot_be_used_is_logged_once(
    found: Bundle | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody's request waits for it or fails with it."""

    def load() -> Bundle:
        if isinstance(found, Exception):
            raise found
        return found

    with caplog.at_level("INFO", "parrot"):
        shadow = Shadow(IN_USE, load, name="2026-12-06")
        shadow.load()
        assert classified([SURE], shadow) == classified([SURE], None)
    (record,) = [record for record in caplog.records if record.name == "parrot.shadow"]
    assert record.levelname == "WARNING"
    assert "2026-12-06 is switched off" in record.getMessage()


def test_a_candidate_that_fails_is_switched_off_once(caplog: pytest.LogCaptureFixture) -> None:
    """However many requests are there at that moment."""
    broken = named("broken")
    shadow = Shadow(IN_USE, lambda: broken)
    shadow.load()
    object.__setattr__(broken, "gate", None)  # what nobody foresaw
    alone, _ = classified([SURE], None)
    with caplog.at_level("INFO", "parrot"):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: classified([SURE], shadow)[0], range(8)))
        classified([SURE], shadow)
    assert answers == [alone] * 8
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    assert lines(caplog) == []


def test_nothing_waits_for_a_candidate_that_loads_slowly() -> None:
    """A bucket may take its time."""
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> Bundle:
        asked.set()
        go_on.wait(60)
        return IN_USE

    shadow = Shadow(IN_USE, slow).start()
    assert asked.wait(60)
    assert classified([SURE], shadow) == classified([SURE], None)
    go_on.set()


def test_a_refitted_candidate_has_the_same_network() -> None:
    """Its served model has a version and a head of its own, but the last blocks of the other."""

    def of(version: str, head: str, blocks: str) -> Bundle:
        manifest = IN_USE.manifest
        model = replace(manifest.models[0], version=version)
        files = {"head.npz": head * 64, "backbone.npz": blocks * 64}
        return replace(IN_USE, manifest=replace(manifest, models=(model,), files=files))

    check(of("4", head="1", blocks="0"), of("3", head="0", blocks="0"))
    with pytest.raises(BadBundle, match="another network"):
        check(of("3", head="0", blocks="1"), of("3", head="0", blocks="0"))


def test_a_group_in_place_of_one_species_is_another_answer() -> None:
    """Two bundles that differ in `alone` were said to answer all photos alike."""
    heard: list[Basis] = []
    answer, _ = classified([SURE, SURE], lambda seen, _answer: heard.append(seen))
    wary = beside(named("wary", naming=replace(NAMES, alone=1e-6)), heard[0], answer)
    row, group = observation(1), "a group in place of one species"
    assert Compared(row, answer, wary, looks_alike=True).change == group
    assert Compared(row, wary, answer, looks_alike=True).change == "one species in place of a group"
    assert Compared(row, wary, wary, looks_alike=True).change is None
    assert told(wary) == "yes: one of the macaws, most like ara-macao"
