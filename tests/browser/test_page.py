"""The page's files, as the running stack serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.support.visits import Visit


@pytest.mark.parametrize(
    ("path", "kind"),
    [
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
    ],
)
def test_each_part_of_the_page_is_served_as_what_it_is(
    running_url: str, path: str, kind: str
) -> None:
    """A module that is served as plain text is not run."""
    response = requests.get(running_url + path, timeout=30)
    assert response.status_code == 200
    assert response.headers["Content-Type"].partition(";")[0] == kind
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_the_local_page_is_allowed_no_other_origin(running_url: str) -> None:
    """Signing in needs some, and nobody signs in here: whatever asks for one is a mistake."""
    policy = requests.get(running_url, timeout=30).headers["Content-Security-Policy"]
    assert "https:" not in policy
    assert "frame-src 'self';" in policy


def test_an_error_type_leads_to_its_explanation(visit: Visit) -> None:
    """The `type` of a problem is an address that developers open."""
    page = visit("/parrot-classifier/errors#unsupported_media")
    expect(page.locator("#unsupported_media")).to_be_in_viewport()
