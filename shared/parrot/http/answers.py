"""From records to responses: the JSON that phones see, and the first version's texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from flask import Response

from parrot import logs
from parrot.http import schemas
from parrot.http.tips import MAYBE_TIP, TIPS
from parrot.review import settled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from parrot.http.parameters import Links
    from parrot.observation import Label, Observation, Page, Verdict
    from parrot.quota import Allowance
    from parrot.records import Classification, Named, Species, Together
    from parrot.save import Saved

NOT_A_PARROT = "Not parrot"
SAVED = "Image save Succeess"  # the first version's spelling: its phones compare it
_FIRST_VERSION_TYPE = "text/html; charset=utf-8"  # Flask's type for a bare string
_EDGE_DECIMALS = 4  # of a share of a photo's side
_DECIMALS = 6  # of a probability in JSON: more than any model can mean


def classification(
    answer: Classification, allowance: Allowance | None, *, top: int, first_version: bool
) -> Response:
    """A Classification in the format of the caller's version; `top` species are ranked."""
    if first_version:
        text = json.dumps(answer.probabilities) if answer.is_parrot else NOT_A_PARROT
        response = Response(text, content_type=_FIRST_VERSION_TYPE)
    else:
        response = _json(_classification(answer, top))
    return _measured(response, answer, allowance)


def joint_classification(together: Together, allowance: Allowance | None, *, top: int) -> Response:
    """The joint answer for several photos of one bird, with each photo's own."""
    answer = together.answer
    body = schemas.JointClassification(
        **_classification(answer, top),
        agree=together.agree,
        photos=[_classification(photo, top) for photo in together.photos],
    )
    counts = {"photos": len(together.photos), "agree": together.agree}
    return _measured(_json(body), answer, allowance, **counts)


def _measured(
    response: Response, answer: Classification, allowance: Allowance | None, **noted: object
) -> Response:
    response.headers["Server-Timing"] = ", ".join(
        f"{timing.step}{f';desc={timing.description}' if timing.description else ''}"
        f";dur={timing.milliseconds:.1f}"
        for timing in answer.timings
    )
    _set_ratelimit(response, allowance)
    _note(answer, **noted)
    return response


def _note(answer: Classification, **more: object) -> None:
    """For the request's line of the log."""
    verdict: dict[str, object] = {"is_parrot": answer.is_parrot}
    if answer.maybe:
        verdict["maybe"] = True
    if answer.reason is not None:
        verdict["reason"] = answer.reason.value
    if answer.species:
        verdict["species"] = answer.species[0].species.id
    if answer.species_set is not None:
        verdict["set"] = len(answer.species_set.species)
    timings = {timing.step: round(timing.milliseconds, 1) for timing in answer.timings}
    logs.note(verdict=verdict, timings=timings, bundle=answer.bundle, **more)


def readiness(bundle: str, models: tuple[str, ...]) -> Response:
    """Everything that a classification needs is there."""
    return _json(schemas.Readiness(status="ready", bundle=bundle, models=list(models)))


def saved(answer: Saved, links: Links, *, first_version: bool) -> Response:
    """201 for a new observation, 200 for the same save again."""
    if first_version:
        response = Response(SAVED, content_type=_FIRST_VERSION_TYPE)
    else:
        response = observation(answer.observation, links, status=201 if answer.created else 200)
        response.headers["Location"] = f"{links.path}/{answer.observation.id}"
    _set_ratelimit(response, answer.allowance)
    logs.note(observation=answer.observation.id, created=answer.created)
    return response


def observation(
    record: Observation, links: Links, *, status: int = 200, allowance: Allowance | None = None
) -> Response:
    """One observation, with its ETag."""
    response = private(_observation(record, links), status=status)
    response.set_etag(links.entity_tag(record))
    _set_ratelimit(response, allowance)
    return response


def observations(page: Page, next_token: str | None, links: Links) -> Response:
    """A page of observations; the last one has no `next_page_token`."""
    listed = [_observation(record, links) for record in page.observations]
    body = schemas.ObservationPage(observations=listed)
    if next_token is not None:
        body["next_page_token"] = next_token
    response = private(body)
    response.add_etag()
    return response


def empty() -> Response:
    """204: done, and nothing to say about it."""
    response = Response(status=204)
    del response.headers["Content-Type"]  # Flask's default, for a body that is not there
    return response


def species(row: Species) -> schemas.Species:
    """A species' JSON, in every answer and in species.json."""
    return schemas.Species(
        index=row.index,
        id=row.id,
        scientific_name=row.scientific_name,
        names=schemas.Names(en=row.english, ko=row.korean),
        cites=row.cites or None,
    )


def _classification(answer: Classification, top: int) -> schemas.Classification:
    parrot = _parrot(answer)
    ranking: list[schemas.ScoredSpecies] = [
        {**species(score.species), "probability": round(score.probability, _DECIMALS)}
        for score in answer.species[:top]
    ]
    models = {"bundle": answer.bundle, **dict(answer.models)}  # NAME/VERSION by role
    model = cast("schemas.ModelVersions", models)
    photo = schemas.ClassifiedPhoto(sha256=answer.sha256, width=answer.width, height=answer.height)
    if answer.focus is not None:
        photo["focus"] = [round(edge, _EDGE_DECIMALS) for edge in answer.focus]
    likely = answer.species_set
    if likely is None:
        body = schemas.Classification(parrot=parrot, species=ranking, model=model, photo=photo)
    else:
        ids = [row.id for row in likely.species]
        chosen = schemas.SpeciesSet(coverage=likely.coverage, species=ids, unknown=not ids)
        body = schemas.Classification(
            parrot=parrot, species=ranking, set=chosen, model=model, photo=photo
        )
    if answer.taxon is not None:
        body["taxon"] = _taxon(answer.taxon)
    if answer.look_alikes:
        body["look_alikes"] = [
            schemas.LookAlike(
                id=row.id,
                scientific_name=row.scientific_name or None,
                names=schemas.Names(en=row.english, ko=row.korean),
            )
            for row in answer.look_alikes
        ]
    if answer.reason is not None:
        body["reason"], body["tip"] = answer.reason, TIPS[answer.reason]
    elif answer.maybe:
        body["tip"] = MAYBE_TIP
    return body


def _taxon(named: Named) -> schemas.Taxon:
    taxon = named.taxon
    return schemas.Taxon(
        rank=taxon.rank.value,
        id=taxon.id,
        scientific_name=taxon.scientific_name or None,
        names=schemas.Names(en=taxon.english, ko=taxon.korean),
        iucn=taxon.iucn or None,
        cites=taxon.cites or None,
        status_year=int(taxon.status_year) if taxon.status_year else None,
        probability=round(named.probability, _DECIMALS),
    )


def _observation(record: Observation, links: Links) -> schemas.Observation:
    current = record.label
    body = schemas.Observation(
        id=record.id,
        species=current.species if current else None,
        index=current.index if current else None,
        status=record.status,
        photo=schemas.SavedPhoto(
            sha256=record.sha256 or None,
            media_type=record.media_type,
            width=record.width or None,
            height=record.height or None,
        ),
        created=time(record.created),
        updated=time(record.updated),
        labels=[given_label(given) for given in record.labels],
    )
    if record.verdict is not None:
        body["verdict"] = saved_verdict(record.verdict)
    if record.derived is not None:
        body["files"] = links.files(record)
        body["blurhash"] = record.derived.blurhash
    if record.consent is not None:
        body["training"], body["training_at"] = record.consent.given, time(record.consent.at)
    if (seen := record.sighting) is not None:
        body["sighting"] = schemas.Seen(
            taken=seen.taken, latitude=seen.latitude, longitude=seen.longitude
        )
    if (outcome := settled(current, record.opinions)) is not None:
        body["review"] = schemas.Settlement(species=outcome, at=time(record.opinions[-1].at))
    if record.duplicate_of is not None:
        body["duplicate_of"] = record.duplicate_of
    if record.reason is not None:
        body["reason"] = record.reason
    return body


def given_label(given: Label) -> schemas.Label:
    """What the person says."""
    body = schemas.Label(species=given.species, index=given.index, at=time(given.at))
    if given.text is not None:
        body["text"] = given.text
    return body


def saved_verdict(stored: Verdict) -> schemas.SavedVerdict:
    """The classification, reduced to the best species."""
    probability = stored.species_probability
    body = schemas.SavedVerdict(
        parrot=_parrot(stored),
        species=stored.species,
        probability=None if probability is None else round(probability, _DECIMALS),
        model=schemas.ModelVersions(bundle=stored.bundle, classifier=stored.model),
    )
    if stored.likely is not None:
        likely = list(stored.likely)
        body["set"] = schemas.SavedSet(species=likely, unknown=not likely)
    if stored.reason is not None:
        body["reason"] = stored.reason
    return body


def _parrot(answer: Classification | Verdict) -> schemas.Verdict:
    """Whether it shows a parrot."""
    return schemas.Verdict(
        is_parrot=answer.is_parrot,
        probability=round(answer.parrot_probability, _DECIMALS),
        verdict="yes" if answer.is_parrot else "maybe" if answer.maybe else "no",
    )


def time(when: datetime) -> str:
    """RFC 3339, in UTC."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _set_ratelimit(response: Response, allowance: Allowance | None) -> None:
    """The RateLimit fields of draft-ietf-httpapi-ratelimit-headers."""
    if allowance is not None:
        quota, left = allowance.quota, allowance.remaining
        policy = f'"{quota.name}";q={quota.limit};w={quota.seconds}'
        response.headers["RateLimit-Policy"] = policy
        response.headers["RateLimit"] = f'"{quota.name}";r={left};t={allowance.resets_in}'


def private(body: Mapping[str, object], *, status: int = 200) -> Response:
    """Only the user's own cache may keep it, and must check each time whether it has changed."""
    response = _json(body, status=status)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response


def _json(body: Mapping[str, object], *, status: int = 200) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, content_type="application/json")
