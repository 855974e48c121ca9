"""The errors that a request can get, as one tree, in TF Serving's terms.

ServingError                a canonical code and a message
|- InvalidArgument      400 the request cannot be understood or does not fit the signature
|- NotFound             404 no such model, or no such version of it
|- BodyTooLarge         413 the body, or what it decompresses to, is over the limit
|- Unimplemented        501 a type that has no JSON form
`- ModelError               TensorFlow's own error while the model ran; its code says which status
"""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """The canonical status codes: (number in TensorFlow and gRPC, HTTP status in TF Serving)."""

    CANCELLED = (1, 499)
    UNKNOWN = (2, 500)
    INVALID_ARGUMENT = (3, 400)
    DEADLINE_EXCEEDED = (4, 504)
    NOT_FOUND = (5, 404)
    ALREADY_EXISTS = (6, 409)
    PERMISSION_DENIED = (7, 403)
    RESOURCE_EXHAUSTED = (8, 429)
    FAILED_PRECONDITION = (9, 400)
    ABORTED = (10, 409)
    OUT_OF_RANGE = (11, 400)
    UNIMPLEMENTED = (12, 501)
    INTERNAL = (13, 500)
    UNAVAILABLE = (14, 503)
    DATA_LOSS = (15, 500)
    UNAUTHENTICATED = (16, 401)

    @property
    def http_status(self) -> int:
        """The status that TF Serving's REST API answers with."""
        return self.value[1]

    @classmethod
    def from_number(cls, number: int | None) -> Code:
        """Look up a canonical number; UNKNOWN for any other."""
        return next((code for code in cls if code.value[0] == number), cls.UNKNOWN)


class ServingError(Exception):
    """The root: every error that this server answers on purpose."""

    def __init__(self, code: Code, message: str) -> None:
        """Say what went wrong; the code decides the HTTP status."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = code.http_status


class InvalidArgument(ServingError):
    """The request cannot be understood, or does not fit the signature."""

    def __init__(self, message: str) -> None:
        """Say what went wrong."""
        super().__init__(Code.INVALID_ARGUMENT, message)


class NotFound(ServingError):
    """No such model, or no such version of it."""

    def __init__(self, message: str) -> None:
        """Say what went wrong."""
        super().__init__(Code.NOT_FOUND, message)


class BodyTooLarge(ServingError):
    """The body, or what it decompresses to, is over the limit; TF Serving has no code for this."""

    def __init__(self, limit: int) -> None:
        """Name the limit, in bytes."""
        super().__init__(Code.INVALID_ARGUMENT, f"The request body is over {limit} bytes")
        self.limit = limit
        self.status = 413


class Unimplemented(ServingError):
    """A type that has no JSON form."""

    def __init__(self, message: str) -> None:
        """Say what went wrong."""
        super().__init__(Code.UNIMPLEMENTED, message)


class ModelError(ServingError):
    """TensorFlow's own error while the model ran."""
