"""One observation over HTTP: read, changed and deleted by its user, and by nobody else."""

from collections.abc import Callable
from itertools import count

import pytest
from PIL import Image

from parrot.http import respond
from tests.support.phone import Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

SEEDS = count(10_000)


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
