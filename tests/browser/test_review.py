"""The reviewer's page: photos are decided quickly, once, and only by those who may."""

import json
import re
import uuid
from collections.abc import Container
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from parrot.review import handle
from tests.support.browser import DESKTOP, PHONE, Complaints
from tests.support.page import MODEL_MS, opened, serious, used_by
from tests.support.phone import REVIEWERS, Phone
from tests.support.photos import encoded, noise
from tests.support.visits import Visit
from tests.support.waiting import until

ONE, TWO, THREE = REVIEWERS
KEA, GALAH = "nestor-notabilis", "eolophus-roseicapilla"
NO_NETWORK = "ERR_INTERNET_DISCONNECTED|ERR_FAILED"
# The stack is shared, and other tests review too: of the queue, only what a test brought is there.
ONLY = """(() => {
  const real = fetch;
  window.fetch = async (address, options) => {
    if (!address.includes('/reviews?')) return real(address, options);
    const size = Number(new URL(address, location.href).searchParams.get('page_size'));
    const answer = await real(address.replace(/=\\d+/, '=100'), options);
    if (!answer.ok) return answer;
    const { reviews } = await answer.json();
    return Response.json({ reviews: reviews.filter(({ id }) => MINE.includes(id)).slice(0, size) });
  };
})()"""
LOADED = """performance.getEntriesByType('resource').map(({ name }) => name)
  .filter((name) => name.endsWith('/image')).map((name) => name.split('/').at(-2))"""


def arrive(visit: Visit, url: str, name: str, path: str = "/review", **options: Any) -> Page:
    """The page for somebody with this name."""
    return visit(path, storage_state=used_by(name, url), **options)


def contested(owner: Phone, count: int, species: str = KEA) -> list[str]:
    """Noise that its owner calls a kind of parrot, and may train: ids, each processed."""
    seeds = [int(uuid.uuid4().hex[:8], 16) for _ in range(count)]
    photos = [encoded(noise(48, 36, seed=seed)) for seed in seeds]
    ids = [str(owner.send(photo, species, training="true")["id"]) for photo in photos]
    for name in ids:
        assert owner.settled(name)["status"] == "needs_review"
    return ids


def desk(visit: Visit, owner: Phone, count: int, **options: Any) -> Page:
    """A reviewer's page with so many photos of one owner."""
    ids = contested(owner, count)
    page = arrive(visit, owner.url, ONE, "/parrot-classifier/errors", **options)
    mine = [handle(owner.user, name) for name in ids]
    page.add_init_script(ONLY.replace("MINE", json.dumps(mine)))
    page.goto("/review")
    return page


def press(page: Page, *keys: str) -> Locator:
    """Press keys once the photo is there; what the page says of the decision."""
    expect(page.locator("#photo")).to_be_visible(timeout=MODEL_MS)
    for key in keys:
        page.keyboard.press(key)
    return page.locator("#last")


def all_loaded(page: Page, names: Container[str], count: int) -> list[str]:
    """Those of these reviews whose photos are loaded, in order, once there are so many."""
    loaded = [name for name in page.evaluate(LOADED) if name in names]
    return loaded if len(loaded) == count else []


def say(owner: Phone, who: str, name: str, species: str) -> None:
    """Another reviewer's opinion."""
    path = f"/reviews/{handle(owner.user, name)}"
    answer = Phone(owner.url, who).ask("POST", path, json={"species": species})
    assert answer.status_code == 200, answer.text


def outcomes(owner: Phone) -> list[str | None]:
    """What reviewers settled, sorted; None where they have not yet."""
    rows = owner.observations(page_size=50)
    return sorted((row.get("review", {}).get("species") for row in rows), key=str)


def test_photos_are_decided_by_keyboard_alone(visit: Visit, ana: Phone) -> None:
    """Speed is what keeps a reviewer going: a key, and the next photo is there."""
    page = desk(visit, ana, 6)
    for _ in range(2):
        expect(press(page, "1")).to_contain_text("Kea settles it.")
        expect(press(page, "n")).to_contain_text("Not a parrot is noted.")
        expect(press(page, "/", *"kea", "Enter")).to_contain_text("Kea settles it.")
    expect(page.locator("#message h2")).to_have_text("Nothing left to review")
    assert outcomes(ana) == [None] * 2 + [KEA] * 4


def test_undo_replaces_an_opinion_also_when_it_had_settled(visit: Visit, ana: Phone) -> None:
    """Fingers slip: the photo comes back with the first choice, and the next one counts."""
    page = desk(visit, ana, 1)
    expect(press(page, "1")).to_contain_text("settles it")
    page.keyboard.press("z")
    expect(page.locator("#kinds button").first).to_have_attribute("aria-pressed", "true")
    expect(press(page, "n")).to_contain_text("is noted")
    assert outcomes(ana) == [None]
    say(ana, TWO, ana.pages()[0], "not-a-parrot")
    assert outcomes(ana) == ["not-a-parrot"]


def test_a_skipped_photo_is_not_asked_again_until_the_next_visit(visit: Visit, ana: Phone) -> None:
    """Hard ones must not stop a reviewer, also where there are more of them than a page lists."""
    page = desk(visit, ana, 12)
    for _ in range(11):
        expect(press(page, "s")).to_contain_text("Skipped.")
    expect(press(page, "1")).to_contain_text("Kea settles it.")
    expect(page.locator("#message")).to_contain_text("The 11 photos that you skipped")
    page.get_by_role("button", name="Undo").click()  # the decision
    page.get_by_role("button", name="Undo").click()  # the last that was skipped
    expect(press(page, "1")).to_contain_text("Kea settles it.")
    expect(press(page, "1")).to_contain_text("Kea settles it.")
    until(lambda: outcomes(ana) == [None] * 10 + [KEA] * 2, "both decisions to arrive")
    page.reload()
    expect(press(page, "1")).to_contain_text("Kea settles it.")


def test_what_others_settled_meanwhile_or_the_owner_took_back_is_told_and_left(
    visit: Visit, ana: Phone, complaints: Complaints
) -> None:
    """Neither is the reviewer's fault, and neither may stop them."""
    complaints.expect("status of 409")
    complaints.expect("status of 404")
    page = desk(visit, ana, 3)
    expect(page.locator("#photo")).to_be_visible(timeout=MODEL_MS)
    names = {handle(ana.user, name): name for name in ana.pages()}
    first, second, _ = until(lambda: all_loaded(page, names, 3), "photos to be loaded")
    for who in (TWO, THREE):
        say(ana, who, names[first], GALAH)
    ana.ask("DELETE", f"/observations/{names[second]}")
    expect(press(page, "n")).to_contain_text("others had settled it")
    expect(press(page, "n")).to_contain_text("the owner took the photo back")
    expect(press(page, "1")).to_contain_text("settles it")


def test_decisions_without_a_network_are_kept_and_sent(
    visit: Visit, ana: Phone, complaints: Complaints
) -> None:
    """On a train: the next photos are there already, and nothing that was decided is lost."""
    complaints.expect(NO_NETWORK)
    page = desk(visit, ana, 3)
    names = [handle(ana.user, name) for name in ana.pages()]
    until(lambda: all_loaded(page, names, 3), "photos to be loaded")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    expect(press(page, "1")).to_contain_text("is kept on this device and sent later.")
    expect(press(page, "1")).to_contain_text("with 1 more")
    assert outcomes(ana) == [None] * 3
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden(timeout=MODEL_MS)
    until(lambda: outcomes(ana) == [None, KEA, KEA], "two decisions to arrive")
    expect(press(page, "1")).to_contain_text("settles it")


def test_only_reviewers_find_the_page_and_are_let_in(
    visit: Visit, running_url: str, complaints: Complaints
) -> None:
    """Others are told what to do, instead of an empty page."""
    complaints.expect("status of 403")
    stranger = arrive(visit, running_url, "stranger")
    expect(stranger.locator("#message h2")).to_have_text("Only reviewers see these photos")
    stranger.get_by_role("link", name="Choose an account").click()
    stranger.get_by_label("Name on this server").fill(ONE)
    expect(stranger.locator("#review-link")).to_be_hidden()
    stranger.get_by_role("button", name="Use this name").click()
    stranger.get_by_role("link", name="Review").click()
    expect(stranger.locator("body")).to_have_attribute("data-state", re.compile("photo|empty"))


@pytest.mark.parametrize(
    ("screen", "scheme", "locale"), [(PHONE, "dark", "ko-KR"), (DESKTOP, "light", "en-GB")]
)
def test_axe_finds_nothing_serious_and_nothing_is_cut_off(
    visit: Visit, ana: Phone, screen: ViewportSize, scheme: str, locale: str
) -> None:
    """With a photo, while searching, and when nothing is left."""
    page = desk(visit, ana, 2, screen=screen, color_scheme=scheme, locale=locale)
    press(page, "1")
    press(page, "/", *"kak")
    expect(page.locator("#kinds button").first).to_have_attribute("value", "strigops-habroptila")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
    press(page, "Enter")
    expect(page.locator("body")).to_have_attribute("data-state", "empty")
    assert serious(page) == []


def test_the_owner_sees_the_outcome_and_can_keep_their_name(
    visit: Visit, ana: Phone, running_url: str
) -> None:
    """Insisting is an objection too: it needs no other name that nobody believes in."""
    (name,) = contested(ana, 1)
    for who in (ONE, TWO):
        say(ana, who, name, "macaws")  # a group
    page = arrive(visit, running_url, ana.user, "/#birds")
    sheet = opened(page.locator(".tile"))
    expect(sheet.locator(".state")).to_contain_text("Reviewers settled: Macaws.")
    sheet.get_by_role("button", name="Keep my name").click()
    expect(page.locator("#toast")).to_contain_text("Another reviewer will look at it.")
    expect(page.locator(".tile .badge")).to_have_text("Needs review")
