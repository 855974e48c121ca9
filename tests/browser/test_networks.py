"""Slow, broken and absent networks: nothing that a person did is lost."""

import time
from pathlib import Path

import requests
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.support.browser import PHONE, Complaints
from tests.support.page import (
    MODEL_MS,
    choose,
    my_birds,
    name_of,
    save_as,
    saved,
    slow_upload,
    some_photo,
)
from tests.support.visits import Visit

NO_NETWORK = "ERR_INTERNET_DISCONNECTED|ERR_FAILED"
NO_BLOBS = """(() => {
  const { put } = IDBObjectStore.prototype;
  const inside = (value) => (typeof value === "object" ? Object.values(value ?? {}) : []);
  const blobs = (value) => value instanceof Blob || inside(value).some(blobs);
  IDBObjectStore.prototype.put = function (row) {
    if (blobs(row)) throw new DOMException("Error preparing Blob/File data", "UnknownError");
    return put.call(this, row);
  };
})()"""


def installed(page: Page) -> None:
    """Wait until the service worker is in charge of the page."""
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    expect(page.locator("body.ready")).to_be_visible()
    assert page.evaluate("navigator.serviceWorker.controller !== null")


def test_an_upload_that_takes_longer_than_patience_lasts_moves_and_arrives(
    visit: Visit, odd: Path, tmp_path: Path
) -> None:
    """A hill with one bar of signal: nobody is left wondering, and it comes as it was.

    The page gives up where nothing moves for a minute; here it does so after twenty seconds.
    """
    phone = visit("/parrot-classifier/errors", screen=PHONE, service_workers="block")

    def hurry(route: Route) -> None:
        script, patience = route.fetch().text(), "STALLED_SECONDS = "
        assert f"{patience}60;" in script
        hurried = script.replace(f"{patience}60;", f"{patience}20;")
        route.fulfill(body=hurried, content_type="text/javascript")

    phone.route("**/app/transport.js", hurry)
    phone.goto("/")
    photo = tmp_path / "cockatiel.jpg"
    with Image.open(odd / "derived-parrot" / "cockatiel-phone12mp-orient6-gps-2.jpg") as image:
        image.save(photo, quality=100, subsampling=0, exif=image.getexif())
    assert photo.stat().st_size > 3_500_000
    with slow_upload(phone, 150_000):
        card = choose(phone, photo)
        button = card.locator(".keep button[type=submit]")
        card.get_by_role("checkbox", name="Keep the original file").check()
        with phone.expect_response("**/save", timeout=MODEL_MS) as saved:
            button.click()
            seen: set[str] = set()
            while len(seen) < 6:  # percentages that move
                seen.add(button.inner_text())
                phone.wait_for_timeout(100)
    size = saved.value.json()["photo"]
    assert {size["width"], size["height"]} == {3024, 4032}  # the original
    expect(card.locator(".outcome")).to_contain_text("Saved as Cockatiel")


def test_a_save_without_a_network_is_kept_and_sent_later(
    phone: Page, complaints: Complaints, photos: Path
) -> None:
    """Parrots live where networks do not: save in the field, close the page, send at home."""
    complaints.expect(NO_NETWORK)
    installed(phone)
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    phone.context.set_offline(True)
    assert "sent when you are online" in save_as(card)
    phone.reload()  # from what the service worker kept
    expect(phone.locator("#offline")).to_be_visible()
    tile = my_birds(phone)
    expect(tile).to_have_attribute("data-state", "queued")
    expect(tile.locator(".name")).to_have_text("Sun conure")
    expect(phone.locator("#birds-grid .heading")).to_have_text(time.strftime("%B %Y"))
    phone.context.set_offline(False)
    expect(phone.locator(".tile[data-state=ready]")).to_be_visible(timeout=MODEL_MS)
    expect(tile).to_have_count(1)


def test_a_second_press_replaces_what_waits(
    phone: Page, complaints: Complaints, photos: Path
) -> None:
    """Each press queued the photo once more: My birds showed it twice, and the first name won."""
    complaints.expect(NO_NETWORK)
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    phone.context.set_offline(True)
    save_as(card)
    save_as(card, "aratinga-solstitialis")
    assert "sent when you are online" in save_as(card, "ara-macao")
    tile = my_birds(phone)
    expect(tile.locator(".name")).to_have_text(["Scarlet macaw"])
    phone.context.set_offline(False)
    expect(tile).to_have_attribute("data-state", "needs_review", timeout=MODEL_MS)
    expect(tile.locator(".name")).to_have_text(["Scarlet macaw"])
    phone.locator("nav.views a[data-view=identify]").click()
    expect(card.locator(".outcome")).to_contain_text("Saved as Scarlet macaw")


def test_what_waits_is_sent_though_the_page_is_closed(
    visit: Visit, complaints: Complaints, photos: Path
) -> None:
    """The browser wakes the service worker when there is a network again."""
    complaints.expect(NO_NETWORK)
    page = visit()
    installed(page)
    card = choose(page, some_photo(photos, "parrots/sun-conure"))
    context = page.context
    headers = {"Authorization": f"Bearer local:{name_of(page)}"}
    context.set_offline(True)
    save_as(card)
    other = context.new_page()
    page.close()
    context.set_offline(False)
    session = context.new_cdp_session(other)
    registrations: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(one["registrationId"] for one in event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    origin = str(context.service_workers[0].url).removesuffix("/sw.js")
    for _ in range(50):
        if registrations:
            break
        other.wait_for_timeout(100)
    event = {"origin": origin, "tag": "outbox", "lastChance": False}
    session.send("ServiceWorker.dispatchSyncEvent", {**event, "registrationId": registrations[0]})
    url = f"{origin}/parrot-classifier/observations"
    for _ in range(100):
        saved = requests.get(url, headers=headers, timeout=30).json()["observations"]
        if saved:
            break
        other.wait_for_timeout(100)
    assert [one["species"] for one in saved] == ["aratinga-solstitialis"]


def test_my_birds_open_without_a_network(phone: Page, complaints: Complaints, photos: Path) -> None:
    """What was loaded last is better than an empty page."""
    complaints.expect(NO_NETWORK)
    installed(phone)
    expect(saved(phone, photos).locator("img.there")).to_be_visible()
    phone.context.set_offline(True)
    phone.reload()
    expect(phone.locator(".tile img.there")).to_be_visible()
    expect(phone.locator(".tile .name")).to_have_text("Sun conure")
    expect(phone.locator("#birds-problem")).to_contain_text("as they were loaded last")


def test_a_photo_chosen_offline_is_looked_at_when_online(
    phone: Page, complaints: Complaints, photos: Path
) -> None:
    """The photo stays on the device, also if the page is loaded again before there is a network.

    Some networks come back in silence, so the page asks again every half a minute.
    """
    complaints.expect(NO_NETWORK)
    phone.clock.install()
    installed(phone)
    phone.context.set_offline(True)
    card = choose(phone, some_photo(photos, "parrots/sun-conure"), until="failed")
    expect(card.locator(".problem-title")).to_have_text("You are offline")
    phone.reload()
    card = phone.locator(".card")
    expect(card).to_have_attribute("data-state", "failed", timeout=MODEL_MS)
    expect(card.locator(".preview")).to_be_visible()
    phone.locator("nav.views a[data-view=birds]").click()
    expect(phone.locator("#birds-problem")).to_contain_text("Your birds appear here when")
    expect(phone.locator("#offline")).to_be_hidden()  # it speaks of photos, not of birds
    phone.locator("nav.views a[data-view=identify]").click()
    phone.context.set_offline(False)
    phone.clock.fast_forward(30_000)
    expect(card.locator(".headline")).to_have_text("Probably Sun conure", timeout=MODEL_MS)
    expect(phone.locator("#offline")).to_be_hidden()


def test_a_browser_that_keeps_no_blobs_loses_nothing(phone: Page, photos: Path) -> None:
    """Private windows of Safari: nothing could be saved there, and a reload lost every photo."""
    phone.add_init_script(NO_BLOBS)
    phone.reload()
    choose(phone, some_photo(photos, "parrots/sun-conure"))
    phone.reload()
    card = phone.locator(".card")
    expect(card).to_have_attribute("data-state", "answered")
    assert card.locator(".preview").evaluate("(it) => it.decode().then(() => it.naturalWidth)") > 0
    assert "Saved" in save_as(card)
    expect(my_birds(phone).locator("img.there")).to_be_visible(timeout=MODEL_MS)


def test_an_upload_shows_its_progress_and_can_be_cancelled(phone: Page, odd: Path) -> None:
    """People wait for what moves, and stop what does not."""
    with slow_upload(phone, 20_000):
        card = choose(
            phone,
            odd / "derived-parrot" / "cockatiel-phone12mp-orient6-gps-2.jpg",
            until="sending",
        )
        expect(card.locator(".status")).to_contain_text("Sending, ")
        card.get_by_role("button", name="Cancel").click()
        expect(card.locator(".problem-title")).to_have_text("Cancelled")
    card.get_by_role("button", name="Try again").click()
    expect(card.locator(".headline")).to_have_text("Cockatiel", timeout=MODEL_MS)


def test_a_retry_is_the_same_save(phone: Page, complaints: Complaints, photos: Path) -> None:
    """The answer is lost on its way back: the next try must not be a second bird."""
    complaints.expect(NO_NETWORK)
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    keys: list[str | None] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.header_value("Idempotency-Key"))
        if len(keys) == 1:
            route.fetch()
            route.abort("failed")
        else:
            route.continue_()

    phone.route("**/save", lose_the_first_answer)
    save_as(card)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    expect(my_birds(phone)).to_have_count(1)


def test_a_photo_chosen_while_the_scripts_load_is_not_lost(visit: Visit, photos: Path) -> None:
    """On a slow network the buttons are there long before anything listens to them."""
    page = visit("/parrot-classifier/errors")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/app/main.js", hold)
    page.goto("/", wait_until="commit")
    expect(page.get_by_text("Choose photos", exact=True)).to_be_visible()
    page.locator("#files").set_input_files(some_photo(photos, "parrots/sun-conure"))
    page.wait_for_timeout(300)
    for route in held:
        route.continue_()
    expect(page.locator(".card .headline")).to_have_text("Probably Sun conure", timeout=MODEL_MS)
