"""Saved photos that an export may find, and what it wrote of them."""

import csv
from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.data.export_folder import LocalFolder
from models.data.saved_photos import Exported, export
from parrot.consent import Consent
from parrot.observation import Label, Observation, Opinion, Verdict
from parrot.records import OTHER_PARROT
from tests.support.default_bundle import TABLE
from tests.support.observations import NOW, verdict
from tests.support.photos import encoded, noise
from tests.support.processing import GALAH, KEA, World

LATER = NOW + timedelta(hours=1)
SURE = replace(verdict(KEA.id), species_probability=0.99)
SURE_GALAH = replace(SURE, species=GALAH.id, likely=(GALAH.id,))
UNKNOWN = replace(verdict(KEA.id), likely=())


def saved(world: World, number: int, *, uid: str = "ana", **changes: Any) -> Observation:
    """A processed photo of its own that person and model call a kea, but for the changes."""
    photo = noise(64, 48, seed=number)
    exif = photo.getexif()
    exif[0x8769] = {}
    exif[0x8825] = {1: "N", 2: (37.0, 33.0, 0.0)}
    allowed = Consent(given=True, at=NOW)
    stored = world.save(encoded(photo, exif=exif), number, uid=uid, consent=allowed)
    world.processor().process(stored)
    judged = {"verdict": SURE, **changes}
    changed = world.store.replace(replace(world.observation(stored), **judged))
    assert changed is not None
    return changed


def label(species: str) -> tuple[Label, ...]:
    return (Label(species, None, NOW),)


def opinions(species: str, reviewers: str = "rs") -> tuple[Opinion, ...]:
    """The same of each reviewer, after the label."""
    return tuple(Opinion(name, species, LATER) for name in reviewers)


def proved(world: World, uid: str, first: int = 40) -> None:
    """Reviewers found ten labels of this person right."""
    for number in range(first, first + 10):
        saved(world, number, uid=uid, opinions=opinions(KEA.id, "r"))


def judged(world: World, *cases: tuple[str, Verdict]) -> None:
    """Photos of one person: what they say, and what the model says."""
    for number, (species, said) in enumerate(cases, 1):
        saved(world, number, labels=label(species), verdict=said)


def in_words(world: World, *cases: tuple[str, str, str]) -> None:
    """Photos of other parrots: by whom, in which words, and who of the reviewers agreed."""
    for number, (uid, text, reviewers) in enumerate(cases, 1):
        labels = (Label(OTHER_PARROT.id, None, NOW, text),)
        agreed = opinions(OTHER_PARROT.id, reviewers)
        saved(world, number, uid=uid, labels=labels, verdict=UNKNOWN, opinions=agreed)


def exported(
    world: World, name: str = "out", bundle: str = ""
) -> tuple[Exported, list[dict[str, str]]]:
    """What was written into a folder of this name, and its list."""
    folder = world.folder / name
    done = export(world.store, world.photos, TABLE, LocalFolder(folder), bundle=bundle)
    with (folder / "index.csv").open(newline="") as file:
        return done, list(csv.DictReader(file))


def places(lines: list[dict[str, str]]) -> list[str]:
    return [line["path"].rpartition("/")[0] for line in lines]
