"""The error that this server answers on purpose."""

INVALID_ARGUMENT, NOT_FOUND = "INVALID_ARGUMENT", "NOT_FOUND"

# gRPC's names for what went wrong -> the status that TF Serving answers with; others are 500.
_STATUS = {
    INVALID_ARGUMENT: 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    NOT_FOUND: 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class ServingError(Exception):
    """A request that cannot be answered, or a version that cannot be loaded."""

    def __init__(self, message: str, code: str = INVALID_ARGUMENT) -> None:
        """`message` is a sentence for the caller, `code` one of gRPC's names."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = _STATUS.get(code, 500)
