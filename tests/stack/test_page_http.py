"""The page, as it travels from the running stack."""

import gzip
from collections.abc import Mapping

import requests

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}


def wire(url: str, headers: Mapping[str, str]) -> tuple[requests.Response, bytes]:
    """A response and the bytes of its body as they travelled."""
    response = requests.get(url, headers=headers, timeout=60, stream=True)
    return response, response.raw.read(decode_content=False)


def test_the_page_travels_compressed(running_url: str) -> None:
    """As from Hosting; and is the same page."""
    for path in ("/", "/app/main.js", "/style.css", "/openapi.json", "/errors", "/species.json"):
        plain, text = wire(running_url + path, PLAIN)
        packed, data = wire(running_url + path, GZIP)
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert len(data) == int(packed.headers["Content-Length"]) < len(text)
        assert gzip.decompress(data) == text
        known = {**GZIP, "If-None-Match": packed.headers.get("ETag", "*")}
        again = requests.get(running_url + path, headers=known, timeout=60)
        assert again.status_code == (304 if "ETag" in packed.headers else 200)


def test_an_address_without_a_page_is_answered_in_both_languages(running_url: str) -> None:
    """As Hosting does, which finds the same file."""
    for path in ("/nothing", "/app/nothing.js"):
        answer = requests.get(running_url + path, timeout=60)
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            404,
            "text/html; charset=utf-8",
        )
        assert "There is no page here" in answer.text
        assert "페이지가 없어요" in answer.text
