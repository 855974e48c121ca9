"""Observations over HTTP: users see all of their own, each once, and no others."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import pytest
import requests
from PIL import Image

from parrot.http import respond
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SEEDS = count(10_000)


def test_all_pages_show_each_observation_once_while_others_come_and_go(
    ana: Phone, bea: Phone
) -> None:
    """250 photos of two users; both save and delete while both turn pages."""
    with ThreadPoolExecutor(8) as pool:
        kept = {
            phone: list(pool.map(phone.save, [next(SEEDS) for _ in range(100)]))
            for phone in (ana, bea)
        }
        doomed = {
            phone: list(pool.map(phone.save, [next(SEEDS) for _ in range(25)]))
            for phone in (ana, bea)
        }

    def walk(phone: Phone) -> list[str]:
        victims: Iterator[str] = iter(doomed[phone])

        def change() -> None:
            phone.save(next(SEEDS))
            if (victim := next(victims, None)) is not None:
                assert phone.ask("DELETE", f"/observations/{victim}").status_code == 204

        return phone.pages(between=change, page_size=8)

    with ThreadPoolExecutor(2) as pool:
        walks = dict(zip((ana, bea), pool.map(walk, (ana, bea)), strict=True))
    for phone, other in ((ana, bea), (bea, ana)):
        listed = walks[phone]
        assert [listed.count(item) for item in kept[phone]] == [1] * 100
        assert len(set(listed)) == len(listed)
        assert not set(listed) & {*kept[other], *doomed[other]}


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


@pytest.mark.smoke
def test_a_relabelled_observation_keeps_the_history_of_its_labels(ana: Phone) -> None:
    """Training wants to know what was believed when."""
    name = ana.save(next(SEEDS), "amazona")
    before = ana.settled(name)
    response = ana.ask("PATCH", f"/observations/{name}", json={"index": 14})
    body = response.json()
    assert (body["species"], body["index"]) == ("nestor-notabilis", 14)
    assert [label["species"] for label in body["labels"]] == ["amazona", "nestor-notabilis"]
    assert body["labels"][0] == before["labels"][0]
    read = ana.get(f"/observations/{name}")
    assert read.json() == body
    assert read.headers["ETag"] == response.headers["ETag"]
    # The save's retry is still the same save.
    again = ana.ask("PATCH", f"/observations/{name}", json={"species": "nestor-notabilis"})
    assert again.json() == body


def test_a_change_with_a_stale_tag_is_refused(ana: Phone) -> None:
    """Two phones of one person must not overwrite each other unseen."""
    name = ana.save(next(SEEDS))
    ana.settled(name)
    path = f"/observations/{name}"
    tag = {"If-Match": ana.get(path).headers["ETag"]}
    assert ana.ask("PATCH", path, json={"species": "amazona"}, headers=tag).status_code == 200
    for method in ("PATCH", "DELETE"):
        response = ana.ask(method, path, json={"species": "ara-macao"}, headers=tag)
        assert_problem(response, 412, "precondition_failed")
    nonsense = ana.ask("PATCH", path, json={"species": "amazona"}, headers={"If-Match": ","})
    assert_problem(nonsense, 412, "precondition_failed")
    assert ana.get(path).json()["species"] == "amazona"
    anything = ana.ask("PATCH", path, json={"index": 14}, headers={"If-Match": "*"})
    assert anything.status_code == 200


def test_many_relabellings_at_once_are_all_in_the_history(ana: Phone) -> None:
    """Without If-Match the last one counts, and none is lost."""
    name = ana.save(next(SEEDS))
    path = f"/observations/{name}"
    indexes = [0, 1, 2, 3, 4, 5, 6, 7]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: ana.ask("PATCH", path, json={"index": i}), indexes))
    assert [answer.status_code for answer in answers] == [200] * 8
    labels = ana.get(path).json()["labels"]
    assert sorted(label["index"] for label in labels[1:]) == indexes


def test_an_impossible_change_is_refused(ana: Phone) -> None:
    """A person may change nothing but the species and whether it may train."""
    path = f"/observations/{ana.save(next(SEEDS))}"
    for body in (
        *('{"species": "dodo"}', '{"index": 99}', '{"status": "ready"}', '{"index": {}}'),
        *("{}", "[]", "x"),
    ):
        assert_problem(ana.ask("PATCH", path, data=body), 400, "invalid_request")


def test_another_users_observation_does_not_exist(ana: Phone, bea: Phone) -> None:
    """For every method, in the same words as for an unknown id."""
    name = ana.save(next(SEEDS))
    ana.settled(name)
    unknown = "00000000-0000-5000-8000-000000000000"
    for method in ("GET", "HEAD", "PATCH", "DELETE"):
        bodies = set()
        for asked in (name, unknown):
            response = bea.ask(method, f"/observations/{asked}", json={"species": "amazona"})
            assert response.status_code == 404
            bodies.add(response.text.replace(asked, "ID"))
        assert len(bodies) == 1
    for file in ("image", "thumbnail", "original"):
        assert_problem(bea.get(f"/observations/{name}/{file}"), 404, "not_found")
    assert ana.get(f"/observations/{name}").json()["species"] == "nestor-notabilis"


def test_more_of_this_bird_are_the_users_own_and_look_like_it(ana: Phone, bea: Phone) -> None:
    """The same scene, twice; not another scene, and not what another user saved of it."""
    scene, other = noise(48, 36, seed=31_001), Image.new("RGB", (48, 36), (200, 30, 30))
    scene_again = scene.copy()
    scene_again.putpixel((0, 0), (0, 0, 0))
    mine = [ana.send(encoded(photo))["id"] for photo in (scene, scene_again, other)]
    theirs = bea.send(encoded(scene_again))["id"]
    for phone, names in ((ana, mine), (bea, [theirs])):
        for name in names:
            phone.settled(name)
    answer = ana.get(f"/observations/{mine[0]}/similar")
    similar = [row["id"] for row in answer.json()["observations"]]
    assert similar[0] == mine[1]
    assert not {mine[0], mine[2], theirs} & set(similar)
    assert "vector" not in answer.text
    assert_problem(bea.ask("GET", f"/observations/{mine[0]}/similar"), 404, "not_found")
    nobody = requests.get(f"{ana.url}{BASE}/observations/{mine[0]}/similar", timeout=60)
    assert_problem(nobody, 401, "unauthenticated")


def test_an_impossible_id_is_not_found(ana: Phone) -> None:
    """Whatever it is made of, it is not a server error."""
    for name in ("x y", "a" * 500, "%F0%9F%A6%9C", "a.b", "image/image/image"):
        assert_problem(ana.get(f"/observations/{name}"), 404, "not_found")


def test_the_path_before_the_resource_does_not_matter() -> None:
    """Behind Hosting it is whole, at the function's own URL it is not."""
    for path, route in {
        "/": (),
        "/abc": ("abc",),
        "/abc/image": ("abc", "image"),
        "/observations": (),
        "/observations/": (),
        "/parrot-classifier/observations/abc": ("abc",),
        "/v1/project/observations/abc/image/": ("abc", "image"),
        "/parrot-classifier": None,
        "/parrot-classifier/nothing": None,
    }.items():
        assert respond.route(path, "observations") == route, path


def test_nobody_is_the_user_under_whom_the_first_versions_phones_save(running_url: str) -> None:
    """They have no list, and share one user."""
    headers = {"Authorization": "Bearer local:anonymous"}
    response = requests.get(f"{running_url}{BASE}/observations", headers=headers, timeout=30)
    assert_problem(response, 401, "unauthenticated")


@pytest.mark.smoke
def test_a_deleted_observation_leaves_nothing_behind(
    ana: Phone, stored: Callable[[str], list[str]]
) -> None:
    """Document, photo and everything derived."""
    name = ana.save(next(SEEDS))
    ana.settled(name)
    assert len(stored(f"derived/{ana.user}/{name}/")) == 2
    response = ana.ask("DELETE", f"/observations/{name}")
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response.headers
    assert stored(f"photos/{ana.user}/") == stored(f"derived/{ana.user}/") == []
    for method in ("GET", "DELETE"):
        assert_problem(ana.ask(method, f"/observations/{name}"), 404, "not_found")
    assert ana.pages() == []


def test_a_deleted_photo_can_be_saved_again(ana: Phone) -> None:
    """A person may change their mind; it is a new observation under the same id."""
    seed = next(SEEDS)
    name = ana.save(seed)
    tag = ana.get(f"/observations/{name}").headers["ETag"]
    ana.ask("DELETE", f"/observations/{name}")
    assert ana.save(seed) == name
    response = ana.ask("DELETE", f"/observations/{name}", headers={"If-Match": tag})
    assert_problem(response, 412, "precondition_failed")
    assert ana.settled(name)["status"] == "needs_review"


def test_the_files_of_an_observation_download_from_its_urls(ana: Phone) -> None:
    """An image view of a phone takes a URL and no header."""
    name = ana.save(next(SEEDS))
    body = ana.settled(name)
    assert set(body["files"]) == {"image", "thumbnail"}
    for url in body["files"].values():
        response = requests.get(url, timeout=30)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/webp"
        assert response.headers["Cache-Control"].startswith("private, max-age=")
        assert Image.open(io.BytesIO(response.content)).format == "WEBP"
        tag = {"If-None-Match": response.headers["ETag"]}
        assert requests.get(url, headers=tag, timeout=30).status_code == 304
        stranger = requests.get(url.partition("?")[0], timeout=30)
        assert_problem(stranger, 401, "unauthenticated")
        forged = requests.get(url[:-1] + ("A" if url[-1] != "A" else "Q"), timeout=30)
        assert_problem(forged, 403, "forbidden")
    swapped = body["files"]["thumbnail"].replace("/thumbnail?", "/image?")
    assert_problem(requests.get(swapped, timeout=30), 403, "forbidden")
    ana.ask("DELETE", f"/observations/{name}")
    assert_problem(requests.get(body["files"]["image"], timeout=30), 404, "not_found")


def test_the_original_is_for_its_owner_alone(ana: Phone) -> None:
    """It may say where it was taken: no URL opens it, only the user's own token."""
    data = encoded(noise(seed=next(SEEDS)))
    name = ana.ask("POST", "/save?index=1", data=data).json()["id"]
    assert ana.get(f"/observations/{name}/original").content == data
    token = ana.settled(name)["files"]["image"].partition("?")[2]
    path = f"{ana.url}{BASE}/observations/{name}/original?{token}"
    assert_problem(requests.get(path, timeout=30), 401, "unauthenticated")


def test_urls_lead_to_the_host_that_was_asked(ana: Phone) -> None:
    """Behind Hosting, the phone does not know the function's own host."""
    name = ana.save(next(SEEDS))
    ana.settled(name)
    hosting = {"X-Forwarded-Host": "parrots.example", "X-Forwarded-Proto": "https"}
    body = ana.get(f"/observations/{name}", headers=hosting).json()
    assert body["files"]["image"].startswith(f"https://parrots.example{BASE}/observations/{name}/")
