"""Lists of observations over HTTP: users see all of their own, each once, and no others."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from parrot.adapters.sqlite import SqliteObservations
from parrot.observation import Label, Status
from tests.support.observations import NOW, observation, processed
from tests.support.phone import BASE, Phone
from tests.support.problems import assert_problem
from tests.support.stores import fill


def test_the_newest_comes_first_and_a_page_has_twenty(ana: Phone, data: Path) -> None:
    """What a phone shows without asking for more; the token leads to the rest."""
    rows = [observation(number, ana.user, seconds=number) for number in range(21)]
    fill(SqliteObservations(data / "observations.db"), rows)
    body = ana.get("/observations").json()
    assert [item["id"] for item in body["observations"]] == [row.id for row in rows[:20]]
    assert ana.pages() == [row.id for row in rows]


@pytest.mark.smoke
def test_a_list_is_filtered_by_species_and_status(ana: Phone, data: Path) -> None:
    """The page token keeps to its filter."""
    keas = [processed(number, "0" * 16, ana.user) for number in (3, 2, 1)]
    amazon = replace(
        processed(4, "0" * 16, ana.user),
        labels=(Label("amazona", 1, NOW),),
        status=Status.NEEDS_REVIEW,
    )
    fill(SqliteObservations(data / "observations.db"), [*keas, amazon])
    assert ana.pages(species="amazona") == ana.pages(status="needs_review") == [amazon.id]
    assert ana.pages(species="nestor-notabilis", page_size=1) == [row.id for row in keas]
    assert ana.pages(status="rejected") == []


def test_a_page_token_of_another_list_or_another_user_is_refused(
    ana: Phone, bea: Phone, data: Path
) -> None:
    """Silently mixing two lists would skip or repeat."""
    rows = [observation(number, phone.user) for phone in (ana, bea) for number in (1, 2)]
    fill(SqliteObservations(data / "observations.db"), rows)
    token = ana.get("/observations", params={"page_size": 1}).json()["next_page_token"]
    for phone, query in ((bea, {}), (ana, {"species": "amazona"}), (ana, {"status": "ready"})):
        response = phone.get("/observations", params={"page_token": token, **query})
        assert_problem(response, 400, "invalid_request")
    # The page's size may change on the way.
    assert ana.get("/observations", params={"page_token": token, "page_size": 50}).ok


def test_a_bad_query_is_named(ana: Phone) -> None:
    """And is never a server error."""
    for query in (
        *("page_size=0", "page_size=101", "page_size=x", "page_size=-1"),
        *("page_token=x", "page_token=AAAA", "page_token=%00"),
        *("page_token=" + "A" * 60, "page_token=" + "_" * 60),
        *("status=deleting", "status=done"),
        *("species=", "species=nope", "species=nestor-notabilis%20"),
    ):
        assert_problem(ana.get(f"/observations?{query}"), 400, "invalid_request")


def test_an_unchanged_observation_is_answered_with_304(ana: Phone) -> None:
    """Phones poll often and pay for data."""
    name = ana.save(1)
    ana.settled(name)
    for path in (f"/observations/{name}", "/observations"):
        first = ana.get(path)
        again = ana.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code) == (200, 304)
        assert again.content == b""
        assert again.headers["ETag"] == first.headers["ETag"]
        assert "private" in first.headers["Cache-Control"]


def test_nobody_is_the_user_under_whom_the_first_versions_phones_save(running_url: str) -> None:
    """They have no list, and share one user."""
    headers = {"Authorization": "Bearer local:anonymous"}
    response = requests.get(f"{running_url}{BASE}/observations", headers=headers, timeout=30)
    assert_problem(response, 401, "unauthenticated")
