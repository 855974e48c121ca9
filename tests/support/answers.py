"""Answers of the service in every state that a person can meet, for page and demo."""

from typing import Any

from parrot.http import answers
from parrot.records import Reason
from tests.support.default_bundle import SPECIES

Answer = dict[str, Any]
HYACINTH = "anodorhynchus-hyacinthinus"
GALAH, SCARLET, BLUE = "eolophus-roseicapilla", "ara-macao", "ara-ararauna"
BUDGERIGAR, AMAZONS, COCKATIEL = "melopsittacus-undulatus", "amazona", "nymphicus-hollandicus"
MACAWS = {"id": "macaws", "rank": "group", "names": {"en": "Macaws", "ko": "마코앵무류"}}
ROSELLAS = {
    "id": "australian-parakeets",
    "rank": "group",
    "names": {"en": "Australian parakeets and rosellas", "ko": "호주앵무류"},
}
LEARS = {
    "id": "anodorhynchus-leari",
    "scientific_name": "Anodorhynchus leari",
    "names": {"en": "Lear's macaw", "ko": "리어금강앵무"},
}
AMAZON_GENUS = {
    "id": AMAZONS,
    "rank": "genus",
    "names": {"en": "Amazon parrots", "ko": "아마존앵무류"},
    "cites": "I/II",
}


def answer(parrot: float, ranking: dict[str, float], **more: Any) -> Answer:
    """An answer whose set has `likely`, by default the first of the ranking."""
    verdict = more.pop("verdict", "yes")
    likely = more.pop("likely", list(ranking)[:1])
    species = [
        {**answers.species(SPECIES.find(species=name)), "probability": share}
        for name, share in ranking.items()
    ]
    body: Answer = {
        "parrot": {"is_parrot": verdict == "yes", "probability": parrot, "verdict": verdict},
        "species": species,
        "model": {"bundle": "2026-11-28", "classifier": "ParrotClassifier/2"},
        "photo": {"sha256": "ab" * 32, "width": 640, "height": 480},
        **more,
    }
    if verdict != "no":
        body["set"] = {"coverage": 0.95, "species": likely, "unknown": not likely}
    return body


def taxon(name: str, share: float) -> Answer:
    """A species as the lowest sure rank."""
    row = answers.species(SPECIES.find(species=name))
    return {**row, "rank": "species", "iucn": "EN", "status_year": 2023, "probability": share}


_GALAH = answer(0.99, {GALAH: 0.98, COCKATIEL: 0.01}, taxon=taxon(GALAH, 0.98))
_SCARLET = answer(0.97, {SCARLET: 0.97, BLUE: 0.02}, taxon=taxon(SCARLET, 0.97))
_NOBODY = answer(0.02, {}, verdict="no", reason="no_bird")
_TWO = {SCARLET: 0.55, BLUE: 0.4}
_FEW = {SCARLET: 0.4, BLUE: 0.3, GALAH: 0.2, BUDGERIGAR: 0.07, COCKATIEL: 0.01}
# Name -> (state, answer). Those marked "seen" are of people who tried the page.
CASES: dict[str, tuple[str, Answer]] = {
    "one": ("yes.one", _GALAH),
    "one genus": ("yes.one", answer(0.99, {AMAZONS: 0.97}, taxon=AMAZON_GENUS)),
    "one of an old bundle": ("yes.one", answer(0.8, {GALAH: 0.98})),
    "seen: one at 0.44": ("yes.likely", answer(0.99, {SCARLET: 0.44}, taxon=taxon(SCARLET, 0.44))),
    "seen: an unknown kind at 0.92": ("yes.likely", answer(0.99, {SCARLET: 0.92})),
    "seen: an unknown kind that looks just like it": (
        "yes.alike",
        answer(0.99, {HYACINTH: 0.97}, taxon=taxon(HYACINTH, 0.97), look_alikes=[LEARS]),
    ),
    "one of two alike at 0.6": (
        "yes.likely_alike",
        answer(0.99, {HYACINTH: 0.6, GALAH: 0.01}, look_alikes=[LEARS]),
    ),
    "two": ("yes.two", answer(0.95, _TWO, likely=[SCARLET, BLUE])),
    "few": ("yes.few", answer(0.95, _FEW, likely=list(_FEW)[:4])),
    "group": ("yes.group", answer(0.95, _TWO, likely=[SCARLET, BLUE], taxon=MACAWS)),
    "group in place of one": (
        "yes.group",
        answer(0.95, {SCARLET: 0.6}, likely=[SCARLET], taxon=MACAWS),
    ),
    "seen: group, nothing near": (
        "yes.group",
        answer(0.95, {COCKATIEL: 0.07, GALAH: 0.01}, likely=[], taxon=ROSELLAS),
    ),
    "unknown": ("yes.unknown", answer(0.95, {COCKATIEL: 0.07, GALAH: 0.01}, likely=[])),
    "together": ("yes.one", {**_GALAH, "agree": True, "photos": [_GALAH, _GALAH]}),
    "seen: a gymnast joined": ("yes.one", {**_GALAH, "agree": True, "photos": [_GALAH, _NOBODY]}),
    "different": (
        "yes.different",
        {
            **answer(0.98, {GALAH: 0.6, SCARLET: 0.4}, likely=[GALAH, SCARLET]),
            "agree": False,
            "photos": [_GALAH, _SCARLET],
        },
    ),
    "one of three differs": (
        "yes.different",
        {
            **answer(0.98, {GALAH: 0.6, SCARLET: 0.4}, likely=[GALAH, SCARLET]),
            "agree": False,
            "photos": [_GALAH, _SCARLET, _GALAH],
        },
    ),
    "maybe one that has a look-alike": (
        "maybe.one",
        answer(0.6, {HYACINTH: 0.97}, verdict="maybe", look_alikes=[LEARS]),
    ),
    "maybe one": ("maybe.one", answer(0.6, {SCARLET: 0.97}, verdict="maybe")),
    "maybe one at 0.44": ("maybe.one", answer(0.6, {SCARLET: 0.44}, verdict="maybe")),
    "maybe two": ("maybe.few", answer(0.6, _TWO, verdict="maybe", likely=[SCARLET, BLUE])),
    "maybe a group": (
        "maybe.group",
        answer(0.6, _TWO, verdict="maybe", likely=[SCARLET, BLUE], taxon=MACAWS),
    ),
    "maybe a group, nothing near": (
        "maybe.group",
        answer(0.6, {GALAH: 0.03}, verdict="maybe", likely=[], taxon=ROSELLAS),
    ),
    "maybe unknown": ("maybe.unknown", answer(0.6, {GALAH: 0.1}, verdict="maybe", likely=[])),
    "no": ("no.sure", answer(0.1, {}, verdict="no")),
    "hardly": ("no.unsure", answer(0.4, {}, verdict="no")),
    "a reason of next year": ("no.unsure", answer(0.4, {}, verdict="no", reason="a_kite")),
    "a verdict of next year": (
        "yes.one",
        {**_GALAH, "parrot": {**_GALAH["parrot"], "verdict": "so"}},
    ),
    **{
        str(reason): (f"no.{reason}", answer(0.1, {}, verdict="no", reason=str(reason)))
        for reason in Reason
    },
}
