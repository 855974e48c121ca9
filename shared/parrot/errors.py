"""Everything that can go wrong, as one tree.

ParrotError
|- RequestError              the caller can fix it
|  |- InvalidRequest     400 a field is missing or malformed
|  |- InvalidImage       400 not an image, 422 an image that cannot be read
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

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator


class ParrotError(Exception):
    """The root: every error that this project raises on purpose."""

    status: int = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class RequestError(ParrotError):
    """The caller can fix it."""

    status = 400
    photo: int | None = None  # which of several photos it is about, counted from 1


class InvalidRequest(RequestError):
    """A field is missing or malformed."""

    code = "invalid_request"
    title = "Invalid request"


class InvalidImage(RequestError):
    """Not an image (400), or an image that cannot be read (422)."""

    code = "invalid_image"
    title = "Invalid image"

    def __init__(self, detail: str, *, status: int = 422) -> None:
        super().__init__(detail)
        self.status = status


class TooManyPhotos(RequestError):
    """More photos of one bird than a joint answer takes."""

    status = 422
    code = "too_many_photos"
    title = "Too many photos"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"one bird can have {limit} photos: send at most {limit} parts 'image'")
        self.limit = limit


class Unauthenticated(RequestError):
    """No valid credentials."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(RequestError):
    """A download URL that has expired or was changed."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(RequestError):
    """It does not exist, or it is somebody else's."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(RequestError):
    """The resource does not have this method."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method} is not allowed; use {', '.join(allowed)}")
        self.allowed = allowed


class Conflict(RequestError):
    """The request contradicts what is stored."""

    status = 409
    code = "conflict"
    title = "Conflict"


class PreconditionFailed(RequestError):
    """If-Match named an older label than the stored one."""

    status = 412
    code = "precondition_failed"
    title = "Changed in the meantime"


class RequestTimeout(RequestError):
    """The body did not arrive in time."""

    status = 408
    code = "request_timeout"
    title = "Request timeout"


class PhotoTooLarge(RequestError):
    """More bytes than the service takes."""

    status = 413
    code = "photo_too_large"
    title = "Photo too large"

    def __init__(self, *, size: int | None, limit: int) -> None:
        sent = "the body" if size is None else f"{size:,} bytes"
        super().__init__(f"{sent} is over the limit of {limit:,} bytes")
        self.size = size
        self.limit = limit


class UnsupportedMedia(RequestError):
    """Not one of the image types that the service reads."""

    status = 415
    code = "unsupported_media"
    title = "Unsupported media type"


class RangeNotSatisfiable(RequestError):
    """The file has no such part."""

    status = 416
    code = "range_not_satisfiable"
    title = "No such part"

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size:,} bytes: there is nothing in that range")
        self.size = size


class IdempotencyKeyReused(RequestError):
    """The Idempotency-Key was sent before, with another photo."""

    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency-Key reused"


class TooManyRequests(RequestError):
    """A quota is used up."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, *, quota: str, limit: int, seconds: int, retry_after: int) -> None:
        super().__init__(
            f"the quota of {limit} {quota} in {seconds} s is used up; try again in {retry_after} s"
        )
        self.quota = quota
        self.limit = limit
        self.seconds = seconds
        self.retry_after = retry_after


class BackendError(ParrotError):
    """A service behind this one failed; the same request may work soon."""

    status = 503

    def __init__(self, detail: str, *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ModelUnavailable(BackendError):
    """The model server cannot be reached or does not serve the model."""

    code = "model_unavailable"
    title = "Model unavailable"


class ModelTimeout(BackendError):
    """The model server did not answer in time."""

    status = 504
    code = "model_timeout"
    title = "Model timeout"


class StoreUnavailable(BackendError):
    """Photos or observations cannot be read or written now."""

    code = "store_unavailable"
    title = "Store unavailable"


class IdentityUnavailable(BackendError):
    """Tokens cannot be checked now."""

    code = "identity_unavailable"
    title = "Sign-in cannot be checked"


class Overloaded(BackendError):
    """Other requests hold the memory or time that this one needs."""

    code = "overloaded"
    title = "Too busy"


class DecoderUnavailable(BackendError):
    """The process that decodes large photos ended unexpectedly."""

    code = "decoder_unavailable"
    title = "Photos cannot be decoded"


class DeploymentError(ParrotError):
    """An operator must fix it; the caller cannot."""


class BadConfig(DeploymentError):
    """The environment is incomplete or contradictory."""

    code = "bad_config"
    title = "Bad configuration"


class BadBundle(DeploymentError):
    """A model bundle is damaged, incomplete, not the pinned one or does not reproduce."""

    code = "bad_bundle"
    title = "Bad model bundle"


class BadModelResponse(DeploymentError):
    """The model server's answer is not a prediction of this model."""

    code = "bad_model_response"
    title = "Bad model response"


@contextmanager
def about_photo(position: int, *, of: int) -> Iterator[None]:
    """Let errors say which photo they are about, if there are several."""
    try:
        yield
    except RequestError as error:
        error.photo = position if of > 1 else None
        raise
