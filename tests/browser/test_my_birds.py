"""My birds: what people saved is there, can be renamed, and can be deleted."""

import re
import uuid
from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from playwright.sync_api import Page, Route, expect

from local import stack
from tests.support.browser import PHONE, Complaints
from tests.support.page import (
    MODEL_MS,
    TILES,
    be_somebody,
    choose,
    module,
    my_birds,
    name_of,
    opened,
    save_as,
    saved,
    some_photo,
    used_by,
)
from tests.support.phone import Phone
from tests.support.visits import Visit
from tests.support.waiting import until

UNDO_MS = 7_200  # of the page's patience with a slip
PAGE, MANY = 30, 32  # birds that are listed at once, and a few more


def test_where_a_device_is_full_people_are_told_that_it_is(phone: Page, photos: Path) -> None:
    """They were told to reload the page, which makes no room, but loses the photo."""
    chromium = phone.context.new_cdp_session(phone)
    device = {"origin": phone.evaluate("location.origin")}
    chromium.send("Storage.overrideQuotaForOrigin", {**device, "quotaSize": 1})
    card = choose(phone, some_photo(photos, "parrots/kea"))
    assert save_as(card) == "No room on this device. Free some storage, then try again."
    chromium.send("Storage.overrideQuotaForOrigin", device)
    card.get_by_role("button", name="Save").click()
    expect(card.locator(".outcome p")).to_have_text("Saved as Kea.", timeout=MODEL_MS)


def test_the_same_photo_again_is_said_to_be_there(phone: Page, photos: Path) -> None:
    """It is one save, and people are told so in words that they understand."""
    photo = some_photo(photos, "parrots/kea")
    save_as(choose(phone, photo))
    assert save_as(choose(phone, photo)) == "You saved this photo before, as Kea."
    expect(my_birds(phone)).to_have_count(1)


def test_the_same_photo_under_another_name_offers_the_change(
    phone: Page, complaints: Complaints, photos: Path
) -> None:
    """A conflict with an id in it helps nobody; changing the name is what they want."""
    complaints.expect("status of 409")
    photo = some_photo(photos, "parrots/kea")
    save_as(choose(phone, photo))
    card = choose(phone, photo)
    assert (
        save_as(card, "strigops-habroptila") == "You already saved this photo under another name."
    )
    card.get_by_role("button", name="Change it to Kakapo").click()
    expect(card.locator(".outcome p")).to_have_text("Changed to Kakapo.")
    expect(my_birds(phone).locator(".name")).to_have_text("Kakapo")


def test_a_bird_gets_another_name(phone: Page, photos: Path) -> None:
    """People learn what it was; the model's disagreement is then said on the tile."""
    tile = saved(phone, photos)
    sheet = opened(tile)
    expect(sheet.get_by_role("heading")).to_have_text("Sun conure")
    sheet.get_by_label("Save as").select_option("ara-ararauna")
    sheet.get_by_role("button", name="Change").click()
    expect(tile.locator(".name")).to_have_text("Blue-and-yellow macaw")
    expect(tile.locator(".badge")).to_have_text("Needs review")
    phone.reload()
    expect(phone.locator(".tile .name")).to_have_text("Blue-and-yellow macaw")


def test_another_parrot_is_saved_under_the_persons_own_words(phone: Page, photos: Path) -> None:
    """The model knows sixteen kinds, people know more: none of them is forced into a wrong one."""
    card = choose(phone, some_photo(photos, "parrots/green-winged-macaw"))
    card.locator(".keep select").select_option(label="Another parrot")
    card.get_by_label("Which one, if you know").fill("Green-winged macaw")
    assert save_as(card) == "Saved as Green-winged macaw."
    tile = my_birds(phone)
    expect(tile.locator(".name")).to_have_text("Green-winged macaw")
    expect(tile).to_have_attribute("data-state", re.compile("ready|review"), timeout=MODEL_MS)
    sheet = opened(tile)
    sheet.get_by_label("Save as").select_option(label="Not a parrot")
    sheet.get_by_role("button", name="Change").click()
    expect(tile.locator(".name")).to_have_text("Not a parrot")


def test_a_deletion_can_be_undone_and_is_final_when_nobody_does(
    phone: Page, running_url: str, photos: Path
) -> None:
    """Thumbs slip; otherwise deleted means gone from the service, not hidden on the page."""
    tile = saved(phone, photos)
    owner = Phone(running_url, name_of(phone))
    opened(tile).get_by_role("button", name="Delete").click()
    expect(tile).to_have_count(0)
    phone.get_by_role("button", name="Undo").click()
    expect(tile).to_have_count(1)
    assert len(owner.observations()) == 1
    sheet = opened(tile)
    phone.clock.install()
    with phone.expect_response(lambda response: response.request.method == "DELETE") as response:
        sheet.get_by_role("button", name="Delete").click()
        expect(tile).to_have_count(0)
        phone.clock.fast_forward(UNDO_MS)
    assert response.value.status == 204
    assert owner.observations() == []
    expect(phone.get_by_role("heading", name="No birds yet")).to_be_visible()


@pytest.fixture(scope="module")
def collector(running: stack.Running) -> Phone:
    """A person with a kea, and with more birds since then than a page lists."""
    person = Phone(running.url, f"collector-{uuid.uuid4().hex}")
    person.save(99, "nestor-notabilis")
    for seed in range(MANY - 1):
        person.save(seed, "nymphicus-hollandicus")
    return person


@pytest.fixture
def theirs(visit: Visit, collector: Phone) -> Page:
    """Their birds, on a phone."""
    return visit("/#birds", screen=PHONE, storage_state=used_by(collector.user, collector.url))


def test_no_birds_are_told_only_when_there_are_none(visit: Visit) -> None:
    """On a slow network people would think that theirs are lost."""
    page = visit(service_workers="block")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/observations?*", hold)
    with page.expect_request("**/observations?*"):
        my_birds(page)
    expect(page.locator("#birds-loading")).to_be_visible()
    expect(page.locator("#birds-empty")).to_be_hidden()
    held[0].continue_()
    expect(page.get_by_role("heading", name="No birds yet")).to_be_visible()


def test_more_birds_come_while_scrolling(theirs: Page) -> None:
    """Hundreds of birds must not be one answer, nor pages to click through."""
    tiles = theirs.locator(TILES)
    expect(tiles.first).to_be_visible(timeout=MODEL_MS)
    theirs.locator("#birds-more").scroll_into_view_if_needed()
    expect(theirs.locator("#birds-count")).to_have_text(f"{MANY} birds", timeout=MODEL_MS)
    expect(tiles).to_have_count(MANY)


def test_birds_are_found_by_name_and_grouped(theirs: Page) -> None:
    """The one that is looked for may be on a page that was not loaded yet."""
    headings = theirs.locator("#birds-grid .heading")
    expect(headings).to_have_count(1)  # this month
    theirs.get_by_label("Group by").select_option("kind")
    expect(headings).to_have_text(["Cockatiel", "Kea"], timeout=MODEL_MS)
    theirs.get_by_label("Search").fill("케아")
    expect(theirs.locator(f"{TILES} .name")).to_have_text(["Kea"])
    theirs.get_by_label("Search").fill("dodo")
    expect(theirs.locator("#birds-nothing")).to_be_visible()


def test_when_and_where_are_kept_only_if_the_person_says_so(
    phone: Page, running_url: str, odd: Path
) -> None:
    """Read from the photo on the phone; the person can take it back."""
    card = choose(phone, odd / "derived-parrot" / "cockatiel-phone12mp-orient6-gps-2.jpg")
    asked = card.get_by_role("checkbox", name="Keep when and where I took it")
    expect(asked).not_to_be_checked()
    asked.check()
    save_as(card)
    owner = Phone(running_url, name_of(phone))
    (saved,) = owner.observations()
    seen = {"taken": "2026-05-01T10:00:00", "latitude": 47.503, "longitude": 19.04}
    assert saved["sighting"] == seen
    sheet = opened(my_birds(phone))
    expect(sheet.locator(".sighting")).to_contain_text("Seen on May 1, 2026 at 47.503, 19.04")
    expect(phone.locator("#birds-grid .heading")).to_have_text("May 2026")
    sheet.get_by_role("button", name="Forget when and where").click()
    expect(sheet.locator(".sighting")).to_be_hidden()
    assert "sighting" not in owner.observations()[0]


@pytest.mark.parametrize(
    ("kind", "endian", "taken", "longitude"),
    [
        ("JPEG", ">", "2026:05:01 10:00:00", 33.0),
        ("HEIF", "<", "2026:05:01 10:00:00", 33.0),
        ("JPEG", "<", "0000:00:00 00:00:00", 133.0),
        ("JPEG", "<", "2026:02:30 10:00:00", IFDRational(0, 0)),
        ("JPEG", "<", None, None),
    ],
)
def test_cameras_notes_are_read_in_every_order_of_bytes(
    phone: Page, kind: str, endian: str, taken: str | None, longitude: float | IFDRational | None
) -> None:
    """Phones write HEIC, some cameras big-endian, zeros or nonsense; most pictures have nothing.

    The service refuses a save whose day there never was.
    """
    exif, data = Image.Exif(), BytesIO()
    exif.endian = endian
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
        south = {1: "S", 2: (longitude, 51.0, 24.0), 3: "W", 4: (70.0, 30.0, 0.0)}
        exif.get_ifd(0x8825).update(south)
    pillow_heif.register_heif_opener()
    Image.new("RGB", (64, 64)).save(data, kind, **({"exif": exif} if taken else {}))
    file = "new File([Uint8Array.from(x)], 'photo')"
    seen = module(phone, "exif", f"m.seen({file})", list(data.getvalue()))
    noted = {"taken": "2026-05-01T10:00:00", "place": "-33.857,-70.500"}
    assert seen == (noted if longitude == 33.0 else {"taken": "", "place": ""})


def test_a_list_that_starts_again_while_it_loads_loses_no_bird(theirs: Page) -> None:
    """A network that comes and goes starts it again: what had arrived was dropped for good."""
    theirs.evaluate(
        """async () => {
          for (let times = 0; times < 60; times += 1) {
            window.dispatchEvent(new Event("online"));
            await new Promise((resolve) => setTimeout(resolve, times % 13));
          }
        }"""
    )
    expect(theirs.locator(TILES)).to_have_count(PAGE, timeout=MODEL_MS)


@pytest.mark.parametrize("looked_for", ["", "kea"])
def test_a_page_of_birds_that_does_not_come_is_not_asked_for_without_end(
    visit: Visit, complaints: Complaints, looked_for: str
) -> None:
    """Whoever had reached the limit asked 35 times a second, and each answer is paid for."""
    complaints.expect("status of 429")
    page = visit(service_workers="block")
    asked: list[str] = []
    row = {"id": "0" * 32, "created": "2026-05-03T10:00:00+00:00", "status": "ready", "labels": []}
    first = {"observations": [row | {"label": {"species": "kea"}}], "next_page_token": "2"}
    limit = {"status": 429, "json": {"code": "too_many_requests"}, "headers": {"Retry-After": "9"}}

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(**(limit if "page_token" in route.request.url else {"json": first}))

    page.route("**/observations?*", answer)
    my_birds(page)
    problem = page.locator("#birds-problem")
    expect(problem).to_contain_text("Please wait a moment")
    page.get_by_label("Search").fill(looked_for)
    page.wait_for_timeout(500)
    assert len(asked) == 2
    problem.get_by_role("button", name="Try again").click()
    page.wait_for_timeout(500)
    expect(problem).to_contain_text("Please wait a moment")
    assert len(asked) == 4, "from the start"


def test_whether_photos_may_train_is_asked_once_and_changed_for_each_bird(
    phone: Page, running_url: str, photos: Path
) -> None:
    """In plain words, after saving; who said no is not asked again, and can think again."""
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    save_as(card)
    question = card.locator(".training")
    expect(question).to_contain_text("train the next model")
    question.get_by_role("button", name="No").click()
    expect(question).to_be_hidden()
    other = choose(phone, some_photo(photos, "parrots/kea"))
    save_as(other)
    expect(other.locator(".training")).to_be_hidden()
    owner = Phone(running_url, name_of(phone))
    assert [row["training"] for row in owner.all_settled(2)] == [False, False]
    sheet = opened(my_birds(phone).first)
    allowed = sheet.get_by_label("May help to train the next model")
    expect(allowed).not_to_be_checked()
    allowed.check()
    until(lambda: owner.observations()[0]["training"], "the answer to arrive")
    phone.keyboard.press("Escape")
    phone.locator("nav.views a[data-view=identify]").click()
    be_somebody(phone)
    theirs = choose(phone, some_photo(photos, "parrots/galah"))
    save_as(theirs)
    expect(theirs.locator(".training")).to_be_visible()  # nobody answers for another person
