"""Reviews over HTTP: from the queue to an objection, in the words that there are."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from parrot.review import handle
from tests.support.phone import REVIEWERS, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

KEA, GALAH = "nestor-notabilis", "eolophus-roseicapilla"


@pytest.fixture
def desks(running_url: str) -> list[Phone]:
    return [Phone(running_url, name) for name in REVIEWERS]


def pending(desk: Phone, count: int = 100) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = desk.get("/reviews", params={"page_size": count}).json()["reviews"]
    return rows


def mine(desk: Phone, person: Phone, name: str) -> str:
    """The handle of a person's observation, which no reviewer could tell."""
    wanted = handle(person.user, name)
    assert wanted in [row["id"] for row in pending(desk)]
    return wanted


def test_a_review_from_the_queue_to_an_objection(
    ana: Phone, desks: list[Phone], stored_bytes: Callable[[str], bytes]
) -> None:
    """Noise that its owner calls a kea: the model disagrees, and two reviewers decide."""
    one, two, three = desks
    saved = ana.send(encoded(noise(48, 36, seed=901)), training="true", text="Coco, 7 Elm Street")
    ana.settled(saved["id"])
    name = mine(one, ana, saved["id"])
    (row,) = [row for row in pending(one) if row["id"] == name]
    assert (row["label"]["species"], row["opinions"]) == (KEA, 0)
    assert ana.user not in str(row)
    assert saved["id"] not in str(row)
    assert "Elm Street" not in str(row)
    assert row["label"]["at"] == f"{saved['created'][:10]}T00:00:00.000Z"  # no hour tells who
    image = requests.get(
        f"{one.url}{row['image']}",
        headers={"Authorization": f"Bearer local:{one.user}"},
        timeout=60,
    )
    assert image.content == stored_bytes(f"derived/{ana.user}/{saved['id']}/image.webp")
    for desk in (one, two):
        answer = desk.ask("POST", f"/reviews/{name}", json={"species": "not-a-parrot"})
        assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] == "not-a-parrot"
    assert_beside(saved["id"], name, one, two)
    told = ana.get(f"/observations/{saved['id']}").json()
    assert (told["status"], told["review"]["species"]) == ("ready", "not-a-parrot")
    assert not any(desk.user in str(told) for desk in desks)
    objection = ana.ask("PATCH", f"/observations/{saved['id']}", json={"species": GALAH}).json()
    assert (objection["status"], "review" in objection) == ("needs_review", False)
    (row,) = [row for row in pending(three) if row["id"] == name]
    assert "outcome" not in row  # the objection is of the same day, whose hour is not shown
    three.ask("POST", f"/reviews/{name}", json={"species": GALAH})
    assert ana.get(f"/observations/{saved['id']}").json()["review"]["species"] == GALAH


def assert_beside(settled: str, name: str, desk: Phone, other: Phone) -> None:
    """Another person's photo of the same scene has the settled one beside it, and no name."""
    bea = Phone(desk.url, "bea-who-was-there-too")
    scene = noise(48, 36, seed=901)
    scene.putpixel((0, 0), (0, 0, 0))
    bird = bea.settled(bea.send(encoded(scene), training="true")["id"])
    hers = mine(other, bea, bird["id"])
    begun = other.ask(
        "POST", f"/reviews/{hers}", json={"species": "cannot-tell"}
    )  # so it is on top
    assert begun.status_code == 200, begun.text
    (row,) = [row for row in pending(desk, 10) if row["id"] == hers]
    (similar,) = [each for each in row["similar"] if each["id"] == name]
    assert similar.keys() == {"id", "image", "species", "distance"}
    assert (similar["species"], similar["distance"] < 0.1) == ("not-a-parrot", True)
    assert desk.get(similar["image"].removeprefix("/parrot-classifier")).content.startswith(b"RIFF")
    assert settled not in str(row)


def test_a_decision_is_one_of_the_words_that_there_are_about_what_there_is(
    desks: list[Phone],
) -> None:
    """What does not exist is the same whatever it looks like."""
    for nonsense in ({}, {"species": "dodo"}, {"species": KEA, "text": "x"}):
        refused = desks[0].ask("POST", f"/reviews/{'0' * 32}", json=nonsense)
        assert_problem(refused, 400, "invalid_request")
    for nothing in ("0" * 32, "x", "%2e%2e"):
        answer = desks[0].ask("POST", f"/reviews/{nothing}", json={"species": KEA})
        assert_problem(answer, 404, "not_found")
