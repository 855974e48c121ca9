"""Records to responses: the JSON that phones see, and the first version's texts."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response

from parrot.observation import version
from parrot.observations import FILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from parrot.observation import Label, Observation, Page, Verdict
    from parrot.observations import StoredFile
    from parrot.records import Allowance, Classification, Species, SpeciesSet
    from parrot.save import Saved
    from parrot.tokens import Downloads, Grant

NOT_A_PARROT = "Not parrot"
SAVED = "Image save Succeess"  # the first version's spelling: its phones compare it
_FIRST_VERSION_TYPE = "text/html; charset=utf-8"  # what Flask says of a bare string
# Decimals of a probability in JSON: more than any model means.
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Links:
    """Where an observation and its files are found."""

    host: str  # https://HOST
    path: str  # of all observations
    downloads: Downloads

    def files(self, record: Observation) -> dict[str, str]:
        """URL of each derived file. Whoever has one can download: never log it."""
        return {
            file: f"{self.host}{self.path}/{self.downloads.path(record, file)}" for file in FILES
        }

    def entity_tag(self, record: Observation) -> str:
        """Changes with the observation, and with the URLs where there are any."""
        return f"{version(record)}.{self.downloads.window}" if record.derived else version(record)


def classification(
    answer: Classification, allowance: Allowance | None, *, first_version: bool
) -> Response:
    """A Classification as the caller's version wants it."""
    if first_version:
        text = json.dumps(answer.probabilities) if answer.is_parrot else NOT_A_PARROT
        response = Response(text, content_type=_FIRST_VERSION_TYPE)
    else:
        response = _json(
            {
                "parrot": {
                    "is_parrot": answer.is_parrot,
                    "probability": round(answer.parrot_probability, _DECIMALS),
                },
                "species": [
                    {**species(score.species), "probability": round(score.probability, _DECIMALS)}
                    for score in answer.species
                ],
                **_species_set(answer.species_set),
                "model": {"bundle": answer.bundle, **dict(answer.models)},
                "photo": {
                    "sha256": answer.sha256,
                    "width": answer.width,
                    "height": answer.height,
                },
            }
        )
    response.headers["Server-Timing"] = ", ".join(
        f"{timing.step}{f';desc={timing.description}' if timing.description else ''}"
        f";dur={timing.milliseconds:.1f}"
        for timing in answer.timings
    )
    _say_allowance(response, allowance)
    return response


def readiness(bundle: str, models: tuple[str, ...]) -> Response:
    """Everything that an answer needs is there."""
    return _json({"status": "ready", "bundle": bundle, "models": list(models)})


def saved(answer: Saved, links: Links, *, first_version: bool) -> Response:
    """201 for a new observation, 200 for the same save again."""
    if first_version:
        response = Response(SAVED, content_type=_FIRST_VERSION_TYPE)
    else:
        response = observation(answer.observation, links, status=201 if answer.created else 200)
        response.headers["Location"] = f"{links.path}/{answer.observation.id}"
    _say_allowance(response, answer.allowance)
    return response


def observation(record: Observation, links: Links, *, status: int = 200) -> Response:
    """One observation, with its ETag."""
    response = _private(_json(_observation(record, links), status=status))
    response.set_etag(links.entity_tag(record))
    return response


def observations(page: Page, next_token: str | None, links: Links) -> Response:
    """A page of them; without `next_page_token` it is the last one."""
    body: dict[str, Any] = {"observations": [_observation(one, links) for one in page.observations]}
    if next_token is not None:
        body["next_page_token"] = next_token
    response = _private(_json(body))
    response.add_etag()
    return response


def file(stored: StoredFile, grant: Grant | None) -> Response:
    """A photo; kept by the caller's cache as long as its URL works."""
    response = Response(stored.data, content_type=stored.media_type)
    age = max(0, grant.expires - int(time.time())) if grant is not None else 0
    response.headers["Cache-Control"] = f"private, max-age={age}"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.set_etag(hashlib.sha256(stored.data).hexdigest()[:32])
    return response


def deleted() -> Response:
    """Nothing is left to tell of."""
    return Response(status=204)


def _observation(record: Observation, links: Links) -> dict[str, Any]:
    label = record.label
    body: dict[str, Any] = {
        "id": record.id,
        "species": label.species if label else None,
        "index": label.index if label else None,
        "status": record.status.value,
        "photo": {
            "sha256": record.sha256 or None,
            "media_type": record.media_type,
            "width": record.width or None,
            "height": record.height or None,
        },
        "created": _time(record.created),
        "updated": _time(record.updated),
        "labels": [_label(one) for one in record.labels],
    }
    if record.verdict is not None:
        body["verdict"] = _verdict(record.verdict)
    if record.derived is not None:
        body["files"] = links.files(record)
        body["blurhash"] = record.derived.blurhash
    if record.duplicate_of is not None:
        body["duplicate_of"] = record.duplicate_of
    if record.reason is not None:
        body["reason"] = record.reason
    return body


def _label(label: Label) -> dict[str, Any]:
    return {"species": label.species, "index": label.index, "at": _time(label.at)}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    """As classify tells it, with the best species only."""
    sure = verdict.species_probability
    return {
        "parrot": {
            "is_parrot": verdict.is_parrot,
            "probability": round(verdict.parrot_probability, _DECIMALS),
        },
        "species": verdict.species,
        "probability": None if sure is None else round(sure, _DECIMALS),
        "model": {"bundle": verdict.bundle, "classifier": verdict.model},
    }


def _time(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _say_allowance(response: Response, allowance: Allowance | None) -> None:
    """The RateLimit fields of draft-ietf-httpapi-ratelimit-headers."""
    if allowance is not None:
        response.headers["RateLimit-Policy"] = (
            f'"{allowance.quota}";q={allowance.limit};w={allowance.seconds}'
        )
        response.headers["RateLimit"] = (
            f'"{allowance.quota}";r={allowance.remaining};t={allowance.resets_in}'
        )


def _private(response: Response) -> Response:
    """Only the user's own cache may keep it, and asks each time whether it still holds."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response


def _species_set(found: SpeciesSet | None) -> dict[str, Any]:
    """An honest "not sure": several names, or with an empty set that it is none of the known."""
    if found is None:
        return {}
    ids = [species.id for species in found.species]
    return {"set": {"coverage": found.coverage, "species": ids, "unknown": not ids}}


def species(row: Species) -> dict[str, Any]:
    """A species' JSON, in every answer and in species.json."""
    return {
        "index": row.index,
        "id": row.id,
        "scientific_name": row.scientific_name,
        "names": {"en": row.english, "ko": row.korean},
        "cites": row.cites or None,
    }


def _json(body: Mapping[str, Any], *, status: int = 200) -> Response:
    return Response(
        json.dumps(body, ensure_ascii=False), status=status, content_type="application/json"
    )
