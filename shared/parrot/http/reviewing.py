"""The answers for reviewers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from parrot.http import answers, schemas
from parrot.http.parameters import BASE_PATH
from parrot.review import handle, settled

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from flask import Response

    from parrot.observation import Label, Observation
    from parrot.reviews import Example

_DECIMALS = 2  # of distances


def page(rows: Sequence[Observation], examples: Sequence[Sequence[Example]]) -> Response:
    """What to decide next, and settled photos beside the first ones."""
    reviews = [_review(row) for row in rows]
    for body, similar in zip(reviews, examples, strict=False):
        if similar:
            body["similar"] = [_similar(each) for each in similar]
    return answers.private(schemas.ReviewPage(reviews=reviews))


def review(row: Observation) -> Response:
    """One, after a decision."""
    return answers.private(_review(row))


def summary(waiting: int, labels: Counter[str]) -> Response:
    """How much there is to do."""
    body = schemas.ReviewSummary(waiting=waiting, labels=dict(labels.most_common()))
    return answers.private(body)


def _similar(example: Example) -> schemas.SettledPhoto:
    name = handle(example.observation.uid, example.observation.id)
    distance = round(example.distance, _DECIMALS)
    return schemas.SettledPhoto(
        id=name, image=_image(name), species=example.species, distance=distance
    )


def _image(name: str) -> str:
    return f"{BASE_PATH}/reviews/{name}/image"


def _review(row: Observation) -> schemas.Review:
    name, label = handle(row.uid, row.id), _anonymous(row.label)
    body = schemas.Review(
        id=name,
        image=_image(name),
        label=None if label is None else answers.given_label(label),
        verdict=None if row.verdict is None else answers.saved_verdict(row.verdict),
        opinions=len(row.opinions),
    )
    outcome = settled(row.label, row.opinions)  # by the hour, which is not shown
    if outcome is not None:
        body["outcome"] = outcome
    return body


def _anonymous(label: Label | None) -> Label | None:
    """A label without the person's own words, which may name anybody, and of a day only."""
    if label is None:
        return None
    day = label.at.replace(hour=0, minute=0, second=0, microsecond=0)
    return replace(label, text=None, at=day)
