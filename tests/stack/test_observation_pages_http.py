"""Lists of observations over HTTP: users see all of their own, each once, and no others."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import requests

from tests.support.phone import BASE, Phone
from tests.support.problems import assert_problem

SEEDS = count(10_000)


def test_all_pages_show_each_observation_once_while_others_come_and_go(
    ana: Phone, bea: Phone
) -> None:
    """Fifty photos of two users; both save and delete while both turn pages."""
    with ThreadPoolExecutor(8) as pool:
        saved = {
            phone: list(pool.map(phone.save, [next(SEEDS) for _ in range(25)]))
            for phone in (ana, bea)
        }
    doomed = {phone: names[::5] for phone, names in saved.items()}

    def walk(phone: Phone) -> list[str]:
        victims = iter(doomed[phone])

        def change() -> None:
            phone.save(next(SEEDS))
            if (victim := next(victims, None)) is not None:
                assert phone.ask("DELETE", f"/observations/{victim}").status_code == 204

        return phone.pages(between=change, page_size=3)

    with ThreadPoolExecutor(2) as pool:
        walks = dict(zip((ana, bea), pool.map(walk, (ana, bea)), strict=True))
    for phone, other in ((ana, bea), (bea, ana)):
        listed, kept = walks[phone], set(saved[phone]) - set(doomed[phone])
        assert [listed.count(item) for item in kept] == [1] * 20
        assert len(set(listed)) == len(listed)
        assert not set(listed) & set(saved[other])


def test_the_newest_comes_first_and_a_page_has_twenty(ana: Phone) -> None:
    """What a phone shows without asking for more."""
    saved = [ana.save(next(SEEDS)) for _ in range(21)]
    body = ana.get("/observations").json()
    assert [item["id"] for item in body["observations"]] == saved[:0:-1]
    assert ana.pages(page_size=100) == saved[::-1]


@pytest.mark.smoke
def test_a_list_is_filtered_by_species_and_status(ana: Phone) -> None:
    """The page token keeps to its filter."""
    keas = [ana.save(next(SEEDS)) for _ in range(3)]
    amazon = ana.save(next(SEEDS), "amazona")
    assert ana.pages(species="amazona") == [amazon]
    assert ana.pages(species="nestor-notabilis", page_size=1) == keas[::-1]
    for item in (*keas, amazon):
        ana.settled(item)
    # Noise is no parrot, whatever the person says.
    assert len(ana.pages(status="needs_review")) == 4
    assert ana.pages(status="rejected") == []


def test_a_page_token_of_another_list_or_another_user_is_refused(ana: Phone, bea: Phone) -> None:
    """Silently mixing two lists would skip or repeat."""
    for phone in (ana, bea):
        for _ in range(2):
            phone.save(next(SEEDS))
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
    name = ana.save(next(SEEDS))
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
