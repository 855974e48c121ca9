"""The answers of calls that fail: a response per status, with every code that it can have."""

from local.openapi.components import Json, coded, headers, ref
from parrot import errors
from parrot.errors import ParrotError
from parrot.http import problems
from parrot.http.parameters import BASE_PATH

_HEADERS = {
    429: ("RateLimit", "RateLimit-Policy", "Retry-After"),
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    416: ("Content-Range",),
    503: ("Retry-After",),
    504: ("Retry-After",),
}


def of(names: list[str]) -> Json:
    """A response per status, with the codes that it can have: of these classes, or 500."""
    sharing: dict[int, list[type[ParrotError]]] = {}
    for error in (error for name in names for error in coded(getattr(errors, name))):
        for status in _statuses(error):
            sharing.setdefault(status, []).append(error)
    sharing[errors.ParrotError.status] = [errors.ParrotError]
    return {str(status): _answer(status, kinds) for status, kinds in sorted(sharing.items())}


def _answer(status: int, kinds: list[type[ParrotError]]) -> Json:
    kinds = sorted(kinds, key=lambda error: error.code)
    shown = {
        error.code: {"$ref": f"#/components/examples/{_example(error, status)}"} for error in kinds
    }
    return {
        "description": "; ".join(f"`{error.code}`: {error.title}" for error in kinds),
        "content": {"application/problem+json": {"schema": ref("Problem"), "examples": shown}},
        "headers": headers(["X-Request-Id", *_HEADERS.get(status, ())]),
    }


def examples() -> Json:
    """One of each code, and of `invalid_image` one of each status."""
    kinds: list[type[ParrotError]] = [errors.ParrotError]
    kinds += [*coded(errors.RequestError), *coded(errors.BackendError)]
    return {
        _example(error, status): {
            "value": problems.Problem(
                type=f"{BASE_PATH}/errors#{error.code}",
                title=error.title,
                status=status,
                detail=(error.__doc__ or "").partition("\n")[0],
                code=error.code,
            )
        }
        for error in kinds
        for status in _statuses(error)
    }


def _example(error: type[ParrotError], status: int) -> str:
    return error.code if status == error.status else f"{error.code}_{status}"


def _statuses(error: type[ParrotError]) -> tuple[int, ...]:
    return (400, 422) if error is errors.InvalidImage else (error.status,)
