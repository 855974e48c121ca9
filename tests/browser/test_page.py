"""The page's files, as the running stack serves them."""

from __future__ import annotations

import requests


def test_each_part_of_the_page_is_served_as_what_it_is(running_url: str) -> None:
    """A module that is served as plain text is not run."""
    for path, kind in (
        ("/", "text/html"),
        ("/sw.js", "text/javascript"),
        ("/app/main.js", "text/javascript"),
        ("/words/ko.js", "text/javascript"),
        ("/style.css", "text/css"),
        ("/species.json", "application/json"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/mark.svg", "image/svg+xml"),
        ("/icons/192.png", "image/png"),
        ("/parrot-classifier/errors", "text/html"),
    ):
        response = requests.get(running_url + path, timeout=30)
        assert response.status_code == 200
        assert response.headers["Content-Type"].partition(";")[0] == kind
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_the_local_page_is_allowed_no_other_origin(running_url: str) -> None:
    """Signing in needs some, and nobody signs in here: whatever asks for one is a mistake."""
    policy = requests.get(running_url, timeout=30).headers["Content-Security-Policy"]
    assert "https:" not in policy
    assert "frame-src 'self';" in policy
