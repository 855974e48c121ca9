"""Everything that can go wrong, as one tree.

ParrotError
|- RequestError              the caller can fix it
|  |- InvalidRequest     400 a field is missing or malformed
|  |- InvalidImage       400 not an image, 422 an image that cannot be read
|  |  `- TooExpensive    422 it takes more time or memory than any photo should
|  |     `- TogetherTooLong  all photos of a request together do
|  |- TooManyPhotos      422
|  |- Unauthenticated    401
|  |- Forbidden          403
|  |- NotFound           404
|  |- MethodNotAllowed   405
|  |- Conflict           409
|  |- PreconditionFailed 412
|  |- RequestTimeout     408
|  |- PhotoTooLarge      413
|  |- UnsupportedMedia   415
|  |- RangeNotSatisfiable 416
|  |- IdempotencyKeyReused 422
|  `- TooManyRequests    429
|- BackendError              retry may help
|  |- ModelUnavailable   503
|  |- StoreUnavailable   503
|  |- IdentityUnavailable 503
|  |- Overloaded         503
|  |- DecoderUnavailable 503
|  `- ModelTimeout       504
`- DeploymentError           an operator must fix it
   |- BadConfig          500
   |- BadBundle          500
   `- BadModelResponse   500

Each class knows its HTTP status, its `code` (stable, for programs) and its title (for people);
`detail` is the sentence about this one case.
"""

from __future__ import annotations

from typing import ClassVar


class ParrotError(Exception):
    """The root: every error that this project raises on purpose."""

    status: int = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init_subclass__(
        cls, *, status: int | None = None, code: str | None = None, title: str | None = None
    ) -> None:
        if status is not None:
            cls.status = status
        if code is not None and title is not None:
            cls.code, cls.title = code, title

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class RequestError(ParrotError, status=400):
    """The caller can fix it."""

    photo: int | None = None  # which of several photos it is about, counted from 1
    observation: str | None = None  # the id of the observation that is in the way


class InvalidRequest(RequestError, code="invalid_request", title="Invalid request"):
    """A field is missing or malformed."""


class InvalidImage(RequestError, code="invalid_image", title="Invalid image"):
    """Not an image (400), or an image that cannot be read (422)."""

    def __init__(self, detail: str, *, status: int = 422) -> None:
        super().__init__(detail)
        self.status = status


class TooExpensive(InvalidImage):
    """A photo takes more time or memory to decode than any photo should."""

    def __init__(
        self,
        detail: str = "the photo takes more time or memory to decode than any photo should",
    ) -> None:
        super().__init__(detail)


class TogetherTooLong(TooExpensive):
    """All photos of a request, and no single one of them, take too long to decode."""

    def __init__(self) -> None:
        super().__init__(
            "the photos together take too long to decode: send fewer of them, or smaller ones"
        )


class TooManyPhotos(RequestError, status=422, code="too_many_photos", title="Too many photos"):
    """More photos of one bird than a joint answer takes."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"one bird can have {limit} photos: send at most {limit} parts 'image'")
        self.limit = limit


class Unauthenticated(RequestError, status=401, code="unauthenticated", title="Sign in first"):
    """No valid credentials."""


class Forbidden(RequestError, status=403, code="forbidden", title="Not allowed"):
    """A download URL that has expired or was changed; a call for reviewers alone."""


class NotFound(RequestError, status=404, code="not_found", title="Not found"):
    """It does not exist, or it belongs to another user."""


class MethodNotAllowed(
    RequestError, status=405, code="method_not_allowed", title="Method not allowed"
):
    """The resource does not have this method."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method} is not allowed; use {', '.join(allowed)}")
        self.allowed = allowed


class Conflict(RequestError, status=409, code="conflict", title="Conflict"):
    """The request contradicts what is stored."""

    def __init__(self, detail: str, *, observation: str) -> None:
        super().__init__(detail)
        self.observation = observation


class PreconditionFailed(
    RequestError, status=412, code="precondition_failed", title="Changed in the meantime"
):
    """If-Match named an older label than the stored one."""


class RequestTimeout(RequestError, status=408, code="request_timeout", title="Request timeout"):
    """The body did not arrive in time."""


class PhotoTooLarge(RequestError, status=413, code="photo_too_large", title="Photo too large"):
    """More bytes than the service takes."""

    def __init__(self, *, size: int | None, limit: int) -> None:
        sent = "the body" if size is None else f"{size:,} bytes"
        super().__init__(f"{sent} is over the limit of {limit:,} bytes")
        self.size = size
        self.limit = limit


class UnsupportedMedia(
    RequestError, status=415, code="unsupported_media", title="Unsupported media type"
):
    """Not one of the image types that the service reads."""


class RangeNotSatisfiable(
    RequestError, status=416, code="range_not_satisfiable", title="No such part"
):
    """The file has no such part."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size:,} bytes: there is nothing in that range")
        self.size = size


class IdempotencyKeyReused(
    RequestError, status=422, code="idempotency_key_reused", title="Idempotency-Key reused"
):
    """The Idempotency-Key was sent before, with another photo."""

    def __init__(self, *, observation: str) -> None:
        super().__init__(
            f"this Idempotency-Key was sent before, with the photo of observation {observation}"
        )
        self.observation = observation


class TooManyRequests(
    RequestError, status=429, code="too_many_requests", title="Too many requests"
):
    """A quota is used up."""

    def __init__(self, *, quota: str, limit: int, seconds: int, retry_after: int) -> None:
        super().__init__(
            f"the quota of {limit} {quota} in {seconds} s is used up; try again in {retry_after} s"
        )
        self.quota = quota
        self.limit = limit
        self.seconds = seconds
        self.retry_after = retry_after


class BackendError(ParrotError, status=503):
    """A service behind this one failed; the same request may work soon."""

    def __init__(self, detail: str, *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ModelUnavailable(BackendError, code="model_unavailable", title="Model unavailable"):
    """The model server cannot be reached or does not serve the model."""


class ModelTimeout(BackendError, status=504, code="model_timeout", title="Model timeout"):
    """The model server did not answer in time."""


class StoreUnavailable(BackendError, code="store_unavailable", title="Store unavailable"):
    """Photos or observations cannot be read or written now."""


class IdentityUnavailable(
    BackendError, code="identity_unavailable", title="Sign-in cannot be checked"
):
    """Tokens cannot be checked now."""


class Overloaded(BackendError, code="overloaded", title="Too busy"):
    """Other requests hold the memory or time that this one needs."""


class DecoderUnavailable(
    BackendError, code="decoder_unavailable", title="Photos cannot be decoded"
):
    """The process that decodes large photos ended unexpectedly."""


class DeploymentError(ParrotError):
    """An operator must fix it; the caller cannot."""


class BadConfig(DeploymentError, code="bad_config", title="Bad configuration"):
    """The environment is incomplete or contradictory."""


class BadBundle(DeploymentError, code="bad_bundle", title="Bad model bundle"):
    """A model bundle is damaged, incomplete, not the pinned one or does not reproduce."""


class BadModelResponse(DeploymentError, code="bad_model_response", title="Bad model response"):
    """The model server's answer is not a prediction of this model."""
