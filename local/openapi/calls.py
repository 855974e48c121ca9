"""Each call of the HTTP API: what it takes and what it answers."""

from __future__ import annotations

from local.openapi import examples
from local.openapi.parts import (
    TYPES,
    Json,
    answer,
    etag,
    if_match,
    if_none_match,
    parameter,
    photo_body,
    problems,
    string,
)
from parrot.errors import (
    BackendError,
    Conflict,
    Forbidden,
    InvalidImage,
    InvalidRequest,
    NotFound,
    PhotoTooLarge,
    PreconditionFailed,
    RangeNotSatisfiable,
    TooManyPhotos,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMedia,
)
from parrot.observation import Status

_PHOTO = (InvalidImage, InvalidRequest, PhotoTooLarge, UnsupportedMedia)
_CHOICE = "An id of species.json, `other-parrot` or `not-a-parrot`; or else `index`."
_SIGNED_IN: list[Json] = [{"firebase": []}]
_OPEN: list[Json] = [{}, {"firebase": []}]


def classify() -> Json:
    """POST /classify."""
    return {
        "operationId": "classify",
        "tags": ["Classify"],
        "summary": "Is it a parrot, and which one?",
        "description": (
            "Up to five parts `image` of a multipart form are photos of one bird: the answer is the"
            " joint one, with each photo's own in `photos`. They count as so many towards limits,"
            " and their bytes count together. An error about one of them says which in `photo`."
            " The first version's form (a field `b64`) takes one photo and is answered as the first"
            " version did: the list of class probabilities, or `Not parrot`."
        ),
        "security": _OPEN,
        "parameters": [
            parameter(
                "top",
                "query",
                {"type": "integer", "minimum": 1, "maximum": 1000, "default": 5},
                "How many species at most.",
            )
        ],
        "requestBody": photo_body({}, several=True),
        "responses": {
            "200": answer(
                "The verdict; for several photos the joint one.",
                ("Classification", "JointClassification"),
                examples.CLASSIFICATIONS,
            ),
            **problems(*_PHOTO, TooManyPhotos, Unauthenticated, TooManyRequests, BackendError),
        },
    }


def ready() -> Json:
    """GET /classify."""
    return {
        "operationId": "ready",
        "tags": ["Classify"],
        "summary": "Whether everything that a classification needs is there.",
        "security": [{}],
        "responses": {
            "200": answer("Everything is there.", "Readiness", {"ready": examples.READINESS}),
            **problems(BackendError),
        },
    }


def save() -> Json:
    """POST /save."""
    fields = {
        "species": {**string(), "description": _CHOICE},
        "index": {"type": "integer", "minimum": 0, "description": "The class index."},
        "text": {"type": "string", "maxLength": 100, "description": "The user's own words."},
    }
    return {
        "operationId": "save",
        "tags": ["Observations"],
        "summary": "Keep a photo under a species.",
        "description": (
            "The same photo again is the same save: 200 with the observation that is there. The"
            " photo is processed afterwards: `status` goes from `pending` to `ready`."
        ),
        "security": _SIGNED_IN,
        "parameters": [
            parameter("species", "query", string(), "Instead of the field."),
            parameter("index", "query", {"type": "integer", "minimum": 0}, "Instead of it."),
            parameter(
                "Idempotency-Key", "header", string(200), "A retry gets the first try's answer."
            ),
        ],
        "requestBody": photo_body(fields),
        "responses": {
            "201": {
                **answer("Saved.", "Observation", {"pending": examples.PENDING}),
                "headers": {**etag(), "Location": {"schema": {"type": "string"}}},
            },
            "200": {
                **answer("It was saved before.", "Observation", {"ready": examples.OBSERVATION}),
                "headers": etag(),
            },
            **problems(*_PHOTO, Unauthenticated, Conflict, TooManyRequests, BackendError),
        },
    }


def list_() -> Json:
    """GET /observations."""
    visible = [status.value for status in Status if status is not Status.DELETING]
    return {
        "operationId": "list",
        "tags": ["Observations"],
        "summary": "The user's own observations, newest first.",
        "security": _SIGNED_IN,
        "parameters": [
            parameter(
                "page_size",
                "query",
                {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                "How many at most.",
            ),
            parameter("page_token", "query", string(), "`next_page_token` of the page before."),
            parameter("species", "query", string(200), "Only those with this label."),
            parameter("status", "query", {"enum": visible}, "Only those with this status."),
            if_none_match(),
        ],
        "responses": {
            "200": {
                **answer("A page.", "ObservationPage", {"page": examples.PAGE}),
                "headers": etag(),
            },
            "304": {"description": "Nothing changed since the ETag."},
            **problems(InvalidRequest, Unauthenticated, PreconditionFailed, BackendError),
        },
    }


def read() -> Json:
    """GET /observations/{id}."""
    return {
        "operationId": "read",
        "tags": ["Observations"],
        "summary": "One observation.",
        "security": _SIGNED_IN,
        "parameters": [if_none_match()],
        "responses": {
            "200": {
                **answer("The observation.", "Observation", {"ready": examples.OBSERVATION}),
                "headers": etag(),
            },
            "304": {"description": "Nothing changed since the ETag."},
            **problems(Unauthenticated, NotFound, PreconditionFailed, BackendError),
        },
    }


def relabel() -> Json:
    """PATCH /observations/{id}."""
    schema = {
        "type": "object",
        "properties": {
            "species": {**string(), "description": _CHOICE},
            "index": {"type": "integer", "minimum": 0},
            "text": {"type": "string", "maxLength": 100, "description": "The user's own words."},
        },
        "additionalProperties": False,
        "minProperties": 1,
    }
    return {
        "operationId": "relabel",
        "tags": ["Observations"],
        "summary": "Another species; the history is kept.",
        "security": _SIGNED_IN,
        "parameters": [if_match()],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema, "example": {"species": "ara-macao"}}
            },
        },
        "responses": {
            "200": {
                **answer("The observation.", "Observation", {"ready": examples.OBSERVATION}),
                "headers": etag(),
            },
            **problems(
                InvalidRequest,
                Unauthenticated,
                NotFound,
                Conflict,
                PreconditionFailed,
                PhotoTooLarge,
                UnsupportedMedia,
                TooManyRequests,
                BackendError,
            ),
        },
    }


def delete() -> Json:
    """DELETE /observations/{id}."""
    return {
        "operationId": "delete",
        "tags": ["Observations"],
        "summary": "Remove the photo, everything made from it, and the observation.",
        "security": _SIGNED_IN,
        "parameters": [if_match()],
        "responses": {
            "204": {"description": "Nothing is left."},
            **problems(Unauthenticated, NotFound, PreconditionFailed, BackendError),
        },
    }


def file() -> Json:
    """GET /observations/{id}/{file}."""
    binary = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES}
    return {
        "operationId": "file",
        "tags": ["Observations"],
        "summary": "A photo: the clean copy, the thumbnail, or the original as it was sent.",
        "description": "`files` has URLs with a token, which expire; the original wants the user.",
        "security": _OPEN,
        "parameters": [
            parameter("token", "query", string(), "Of a URL in `files`."),
            parameter("Range", "header", string(), "`bytes=FIRST-LAST`: only this part."),
            parameter("If-Range", "header", string(), "The part if it still is that ETag's."),
            if_none_match(),
        ],
        "responses": {
            "200": {
                "description": "The photo.",
                "content": binary,
                "headers": {**etag(), "Accept-Ranges": {"schema": {"const": "bytes"}}},
            },
            "206": {
                "description": "The part of it that `Range` names.",
                "content": binary,
                "headers": {**etag(), "Content-Range": {"schema": string()}},
            },
            "304": {"description": "Nothing changed since the ETag."},
            **problems(
                InvalidRequest,
                Unauthenticated,
                Forbidden,
                NotFound,
                PreconditionFailed,
                RangeNotSatisfiable,
                BackendError,
            ),
        },
    }
