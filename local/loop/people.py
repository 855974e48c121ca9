"""Simulated people: which photos they have, what they say that those show, and their app."""

import random
import time
from bisect import bisect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import requests

from local.supervisor import PartFailed
from models.data.labelled_photos import UNSORTED, LabelledPhoto
from parrot.model.species import Taxonomy
from parrot.records import NOT_A_PARROT, OTHER_PARROT, Rank

_PARROTS = 2 / 3  # of the photos that people save
_SHARES = (2, 2, 1)  # of all photos: known, saved, unseen
_MISTAKES = 0.03  # of the labels of people who mean well
_TIMEOUT_SECONDS = 120
_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.5
_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Split:
    """Photos by who has them: no source and no near-duplicate is in two parts."""

    known: Sequence[LabelledPhoto]  # the bundle in use was fitted on them
    saved: Sequence[LabelledPhoto]
    unseen: Sequence[LabelledPhoto]  # of people who never save one


@dataclass(frozen=True, slots=True)
class Save:
    """A photo that a person saves; ids of what it shows, and of what the person says."""

    person: str
    photo: LabelledPhoto
    truth: str
    label: str


def split(photos: Sequence[LabelledPhoto], *, saves: int, seed: int) -> Split:
    """Whole sources, the largest first, go to the part that has least; so many photos are saved.

    Of fewer all. Parrots of an uncertain species are left out but where they are known: nobody can
    say whether their label is right.
    """
    rng = random.Random(seed)
    sources: defaultdict[str, list[LabelledPhoto]] = defaultdict(list)
    for photo in photos:
        sources[photo.source or photo.cluster].append(photo)
    parts: list[list[LabelledPhoto]] = [[], [], []]
    for source in sorted(sources.values(), key=lambda rows: (-_parrots(rows), rng.random())):
        count = _parrots if _parrots(source) else len
        least = min(range(3), key=lambda part: (count(parts[part]) / _SHARES[part], rng.random()))
        parts[least] += source
    known, saved, unseen = parts
    saved, unseen = _apart(saved, known), _apart(unseen, (*known, *saved))
    rng.shuffle(saved)
    parrots, others = ([row for row in saved if row.is_parrot is kind] for kind in (True, False))
    most = round(saves * _PARROTS)
    return Split(known, parrots[-most:] + others[: saves - most], unseen)


def saves(
    photos: Sequence[LabelledPhoto],
    kinds: Sequence[str],
    taxonomy: Taxonomy,
    weights: Mapping[str, float],
    *,
    seed: int,
) -> list[Save]:
    """What people save: each has photos of neighbouring sources, as many as their weight says."""
    rng, wrong = random.Random(seed), renamed(kinds, taxonomy)
    ends = list(accumulate(weight / sum(weights.values()) for weight in weights.values()))
    names = list(weights)
    said = []
    for group in (True, False):
        rows = [photo for photo in photos if photo.is_parrot is group]
        rows.sort(key=lambda photo: (photo.source or photo.cluster, str(photo.path)))
        for number, photo in enumerate(rows):
            person = names[min(bisect(ends, number / len(rows)), len(names) - 1)]  # rounded
            truth = shows(photo, kinds)
            label = wrong[truth] if rng.random() < _MISTAKES else truth
            said.append(Save(person, photo, truth, label))
    return said


def shows(photo: LabelledPhoto, kinds: Sequence[str]) -> str:
    """The id of what a photo shows."""
    other = OTHER_PARROT.id if photo.is_parrot else NOT_A_PARROT.id
    return photo.species(kinds) or other


def renamed(kinds: Sequence[str], taxonomy: Taxonomy) -> dict[str, str]:
    """A wrong name for everything: a kind's is the next one of its group, if there is one."""
    groups = defaultdict[str, list[str]](list)
    for kind in kinds:
        group = taxonomy.above(kind, Rank.GROUP)
        groups[group.id if group else ""].append(kind)
    wrong = {other.id: kinds[0] for other in (OTHER_PARROT, NOT_A_PARROT)}
    for kind in kinds:
        (own,) = [group for group in groups.values() if kind in group]
        own = own if len(own) > 1 else list(kinds)
        wrong[kind] = own[(own.index(kind) + 1) % len(own)]
    return wrong


def _parrots(photos: Sequence[LabelledPhoto]) -> int:
    return sum(photo.is_parrot for photo in photos)


def _apart(photos: Sequence[LabelledPhoto], others: Sequence[LabelledPhoto]) -> list[LabelledPhoto]:
    clusters = {photo.cluster for photo in others}
    return [photo for photo in photos if photo.label != UNSORTED and photo.cluster not in clusters]


@dataclass(frozen=True, slots=True)
class App:
    """The HTTP API as a person's app uses it, signed in to the local stack under a name."""

    url: str
    person: str

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as requests
        """The answer's JSON. Raises PartFailed unless it is a good one."""
        return self._answer(method, path, **request)[1]

    def save(self, photo: Path, species: str) -> str:
        """Save a photo that may train; its id."""
        fields = {"species": species, "training": "true"}
        files = {"image": (photo.name, photo.read_bytes())}
        return str(self.ask("POST", "/save", files=files, data=fields)["id"])

    def processed(self) -> None:
        """Wait until none of the person's photos is pending. Raises PartFailed."""
        until = time.monotonic() + _PATIENCE_SECONDS
        pending = {"status": "pending", "page_size": 1}
        while self.ask("GET", "/observations", params=pending)["observations"]:
            if time.monotonic() > until:
                raise PartFailed(f"photos of {self.person} are not processed")
            time.sleep(_POLL_SECONDS)

    def leave(self) -> dict[str, Any]:
        """Delete everything of this person; the signed receipt. Raises PartFailed."""
        status, body = self._answer("DELETE", "/me")
        while status == _ACCEPTED:
            time.sleep(_POLL_SECONDS)
            status, body = self._answer("DELETE", "/me")
        return body

    def _answer(self, method: str, path: str, **request: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - as above
        headers = {"Authorization": f"Bearer local:{self.person}"}
        where = f"{self.url}/parrot-classifier{path}"
        try:
            answer = requests.request(
                method, where, headers=headers, timeout=_TIMEOUT_SECONDS, **request
            )
        except requests.RequestException as error:
            raise PartFailed(f"{method} {path}: {error}") from error
        if not answer.ok:
            raise PartFailed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.status_code, dict(answer.json())
