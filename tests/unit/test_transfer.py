"""How a body is sent: compressed on request, in part, or not at all."""

import gzip
from collections.abc import Callable, Mapping
from functools import partial

import pytest
from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from parrot.errors import PreconditionFailed, RangeNotSatisfiable, TooManyRequests
from parrot.http import files, rights
from parrot.http.respond import fit
from parrot.observations import StoredFile
from parrot.quota import DOWNLOADED, Visitor, Visitors
from parrot.store import OpenObject

TEXT = '{"species": "nestor-notabilis"}' * 100
PHOTO = bytes(range(256)) * 20


def asking(method: str, headers: Mapping[str, str]) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(EnvironBuilder(method=method, headers=Headers(named)).get_environ())


def respond(
    body: str | bytes = TEXT,
    content_type: str = "application/json",
    *,
    method: str = "GET",
    **headers: str,
) -> Response:
    """The response to a request with these headers, tagged `a.1`."""
    response = Response(body, content_type=content_type)
    response.set_etag("a.1")
    fit(asking(method, headers), response)
    return response


def test_a_long_text_is_compressed_for_those_who_take_gzip() -> None:
    """A page of observations is five times as small."""
    for accepted in ("gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*"):
        response = respond(Accept_Encoding=accepted)
        assert response.content_encoding == "gzip"
        assert response.content_length == len(response.get_data()) < len(TEXT) / 5
        assert gzip.decompress(response.get_data()).decode() == TEXT
        assert response.get_etag() == ("a.1.gzip", False)  # a strong tag identifies bytes
        assert "Accept-Encoding" in response.vary  # or one phone's gzip would be garbage to another


def test_nobody_gets_gzip_who_did_not_ask_for_it() -> None:
    """The first version's phones may not know it."""
    for accepted in ("", "identity", "br", "gzip;q=0", "identity, gzip;q=0.5"):
        response = respond(Accept_Encoding=accepted) if accepted else respond()
        assert response.content_encoding is None
        assert response.get_data(as_text=True) == TEXT
        assert response.get_etag() == ("a.1", False)
        assert "Accept-Encoding" in response.vary


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("{}", "application/json"), (PHOTO, "image/jpeg"), (PHOTO, "image/webp"), (b"", "text/html")],
)
def test_photos_and_short_bodies_are_sent_uncompressed(
    body: str | bytes, content_type: str
) -> None:
    """Photos are compressed already, and a short text fits one packet either way."""
    response = respond(body, content_type, Accept_Encoding="gzip")
    assert response.content_encoding is None
    assert "Accept-Encoding" not in response.vary


def test_who_has_either_form_gets_304() -> None:
    """The tag may come from an answer that was too short to compress."""
    for known in ('"a.1"', '"a.1.gzip"', 'W/"a.1"', '"z", "a.1.gzip"'):
        response = respond(Accept_Encoding="gzip", If_None_Match=known)
        assert response.status_code == 304
        tag, _ = response.get_etag()
        assert f'"{tag}"' in known
        assert response.content_encoding is None
        assert "Accept-Encoding" in response.vary


def test_if_match_names_either_form_of_one_version() -> None:
    """Compressed or not."""
    for wanted in ('"a.1"', '"a.1.gzip"', "*"):
        assert respond(If_Match=wanted).status_code == 200
        assert respond(If_Match=wanted, Accept_Encoding="gzip").status_code == 200
    with pytest.raises(PreconditionFailed):
        respond(If_Match='"b.1.gzip"', Accept_Encoding="gzip")


def test_head_says_what_get_would() -> None:
    """Programs ask for the length before they fetch."""
    get, head = (respond(method=method, Accept_Encoding="gzip") for method in ("GET", "HEAD"))
    headers = [dict(response.headers) | {"Date": ""} for response in (get, head)]
    assert headers[0] == headers[1]
    assert headers[0]["Content-Encoding"] == "gzip"


class Bucket:
    """Remembers which bytes were read from it."""

    def __init__(self, data: bytes) -> None:
        self.data, self.asked = data, list[tuple[int, int]]()

    def read(self, first: int, end: int) -> bytes:
        self.asked.append((first, end))
        return self.data[first:end]


def file(
    bucket: Bucket | None = None,
    charge: Callable[[int], None] = lambda _size: None,
    /,
    method: str = "GET",
    **headers: str,
) -> Response:
    """The answer to a request for a file, by default for the photo."""
    bucket = bucket or Bucket(PHOTO)
    content = OpenObject(len(bucket.data), "a1", bucket.read)
    response = files.answer(StoredFile(content, "image/jpeg"), None, charge)
    fit(asking(method, headers), response)
    return response


def test_a_range_beyond_the_end_is_an_error_that_names_the_length() -> None:
    """A client that has everything learns that there is no more."""
    with pytest.raises(RangeNotSatisfiable) as raised:
        file(Range=f"bytes={len(PHOTO)}-")
    assert raised.value.size == len(PHOTO)


def test_more_of_the_end_than_there_is_is_all_of_it() -> None:
    """RFC 9110; a reader of metadata at a file's end does not know how long the file is."""
    for most in (len(PHOTO) + 1, 10**30):
        response = file(Range=f"bytes=-{most}")
        assert (response.status_code, response.get_data()) == (206, PHOTO)
        assert response.headers["Content-Range"] == f"bytes 0-{len(PHOTO) - 1}/{len(PHOTO)}"
        assert file(Range=f"bytes=-{most}", If_Range='"b1"').status_code == 200


PART = {"Range": "bytes=0-9"}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        # RFC 9110 lets a server ignore Range.
        *(({"Range": text}, 200) for text in ("lines=0-9", "bytes=", "bytes=a-b", "bytes=9-1")),
        *(({"Range": text}, 200) for text in ("bytes=0-1,5-6", "nonsense")),
        # Halves of two photos are not a photo.
        ({**PART, "If_Range": '"a1"'}, 206),
        *(({**PART, "If_Range": tag}, 200) for tag in ('"b1"', 'W/"a1"', "Thu, 01 Jan 2026")),
        ({**PART, "If_None_Match": '"a1"'}, 304),  # which comes before Range
        ({**PART, "method": "HEAD"}, 200),  # for which a Range means nothing
    ],
)
def test_only_one_part_in_bytes_of_the_same_photo_is_sent(
    asked: dict[str, str], status: int
) -> None:
    """Everything else gets the whole, or nothing where the caller has it."""
    response = file(**asked)
    assert response.status_code == status
    if status == 200:
        assert response.content_length == len(PHOTO)
        assert response.accept_ranges == "bytes"


def test_texts_are_never_sent_in_part() -> None:
    """A part of a compressed text is useless."""
    response = respond(Range="bytes=0-9")
    assert response.status_code == 200
    assert "Accept-Ranges" not in response.headers


def test_a_file_is_read_in_pieces_while_it_is_sent() -> None:
    """Eighty readers of a large photo kept it in memory eighty times."""
    bucket = Bucket(bytes(range(256)) * 8000)
    response = file(bucket)
    assert bucket.asked == [(0, 2**19)]
    assert response.content_length == len(bucket.data)
    assert b"".join(response.iter_encoded()) == bucket.data
    assert [end - first for first, end in bucket.asked] == [2**19] * 3 + [475136]


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [("bytes=0-99", 0, 100), ("bytes=-20", 5100, 5120), ("bytes=5000-", 5000, 5120)],
)
def test_a_photo_is_sent_in_part_and_no_more_is_read_from_the_bucket(
    asked: str, first: int, end: int
) -> None:
    """A download that broke off goes on where it ended; each byte cost the whole photo's hash."""
    bucket = Bucket(PHOTO)
    response = file(bucket, Range=asked)
    assert (response.status_code, response.get_data()) == (206, PHOTO[first:end])
    assert bucket.asked == [(first, end)]
    assert response.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(PHOTO)}"
    assert response.content_length == end - first
    assert response.get_etag() == ("a1", False)


def test_nothing_is_read_for_head_or_for_what_the_caller_has() -> None:
    """Nothing is charged either."""
    bucket, charged = Bucket(PHOTO), list[int]()
    head = file(bucket, charged.append, method="HEAD")
    known = file(bucket, charged.append, If_None_Match='"a1"')
    assert (head.status_code, head.content_length, known.status_code) == (200, len(PHOTO), 304)
    assert not bucket.asked
    assert not charged


def test_bytes_sent_count_against_their_reader() -> None:
    """Small answers count as a quarter of a MiB: a single byte costs the bucket two requests."""
    visitors = Visitors(2**20, now=lambda: 0.0, quota=DOWNLOADED)
    charge = partial(visitors.download, Visitor("ana"))
    for _ in range(2):
        file(Bucket(PHOTO), charge, Range="bytes=0-0")
    file(Bucket(bytes(2**19)), charge)
    refused = Bucket(PHOTO)
    with pytest.raises(TooManyRequests):
        file(refused, charge)
    assert not refused.asked
    visitors.download(Visitor("ben"), 2**20)


def test_a_part_of_an_archive_counts_with_all_that_is_made_before_it() -> None:
    """Its last byte made us read 96 MiB from the bucket, and counted as one byte."""
    charged = list[int]()
    response = rights.archive(
        OpenObject(len(PHOTO), "a1", Bucket(PHOTO).read), None, charged.append
    )
    fit(asking("GET", {"Range": "bytes=5000-5009"}), response)
    assert (response.get_data(), charged) == (PHOTO[5000:5010], [5010])
