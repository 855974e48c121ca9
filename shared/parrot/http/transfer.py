"""How a body travels: whole, compressed, in part, or not at all where the caller has it already."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestedRangeNotSatisfiable

from parrot.errors import PreconditionFailed, RangeNotSatisfiable

if TYPE_CHECKING:
    from flask import Request, Response

_SHORTEST = 1400  # bytes: a shorter body fits one packet, compressed or not
_TEXTS = (
    "text/",
    "application/json",
    "application/javascript",
    "application/manifest+json",
    "image/svg+xml",
)
_GZIP = zlib.MAX_WBITS | 16  # gzip's format; the module `gzip` would be one import more
_SUFFIX = ".gzip"  # of an entity tag: compressed bytes are not the same bytes


def fit(request: Request, response: Response) -> None:
    """Answer If-Match, If-None-Match, Range and Accept-Encoding.

    A response whose Accept-Ranges is `bytes` can be sent in part; texts are never, so that no part
    is one of a compressed body. Raises PreconditionFailed, RangeNotSatisfiable.
    """
    compress = _is_long_text(response)
    if compress:
        response.vary.add("Accept-Encoding")
        compress = request.accept_encodings.best_match(("gzip", "identity")) == "gzip"
    if request.method in {"GET", "HEAD"}:
        _require_match(request, response)
    if compress:
        _mark_compressed(request, response)
    _make_conditional(request, response)
    if compress and response.status_code < 300:  # noqa: PLR2004 - 304 has no body
        packer = zlib.compressobj(wbits=_GZIP)
        response.set_data(packer.compress(response.get_data()) + packer.flush())
        response.content_encoding = "gzip"


def _is_long_text(response: Response) -> bool:
    length = response.calculate_content_length()
    text = (response.mimetype or "").startswith(_TEXTS)
    return text and length is not None and length >= _SHORTEST


def _require_match(request: Request, response: Response) -> None:
    """Read only what If-Match names. Raises PreconditionFailed.

    Werkzeug's own check answers without a body, and knows no `*`.
    """
    tag, _ = response.get_etag()
    wanted = request.if_match
    if "If-Match" not in request.headers or tag is None:
        return
    if not wanted.contains(tag) and not wanted.contains(f"{tag}{_SUFFIX}"):
        raise PreconditionFailed("it has changed since: it no longer has the tag of If-Match")


def _mark_compressed(request: Request, response: Response) -> None:
    """Give it the tag of its compressed form, unless the caller has the other one already."""
    tag, _ = response.get_etag()
    if tag is not None and not request.if_none_match.contains_weak(tag):
        response.set_etag(f"{tag}{_SUFFIX}")


def _make_conditional(request: Request, response: Response) -> None:
    """304 for what the caller has, 206 for the part that it asks for.

    Only for one range of bytes, of a GET, of what the caller does not have yet: everything else is
    no reason to refuse the whole. Raises RangeNotSatisfiable.
    """
    environ = dict(request.environ)
    environ.pop("HTTP_IF_MATCH", None)  # answered already
    tag, _ = response.get_etag()
    known = tag is not None and request.if_none_match.contains_weak(tag)
    asked = request.range
    first = asked.ranges[0][0] if asked is not None else 0
    one = asked is not None and asked.units == "bytes" and len(asked.ranges) == 1
    weak = environ.get("HTTP_IF_RANGE", "").startswith("W/")  # Werkzeug would take it for strong
    if known or weak or not one or request.method != "GET":
        environ.pop("HTTP_RANGE", None)
    ranges = response.accept_ranges == "bytes"
    size = response.calculate_content_length() if ranges else None
    if size and -first > size and "HTTP_RANGE" in environ:
        environ["HTTP_RANGE"] = "bytes=0-"  # RFC 9110: more of its end than it has is all of it
    try:
        response.make_conditional(environ, accept_ranges=ranges, complete_length=size)
    except RequestedRangeNotSatisfiable as error:
        raise RangeNotSatisfiable(size or 0) from error
