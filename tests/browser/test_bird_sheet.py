"""A saved bird's sheet: more like it, and what other devices did to it meanwhile."""

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.browser import Complaints
from tests.support.page import my_birds, name_of, opened, saved, serious, some_photo
from tests.support.phone import Phone
from tests.support.photos import encoded

ON_TOP = """(toast) => {
  const { x, y, width, height } = toast.getBoundingClientRect();
  return toast.matches(':popover-open') && y + height <= innerHeight && x >= 0 && width > 300;
}"""
KEA, GALAH, KAKAPO = "nestor-notabilis", "eolophus-roseicapilla", "strigops-habroptila"


def test_a_saved_bird_leads_to_more_like_it(phone: Page, running_url: str, photos: Path) -> None:
    """Nothing where nothing is alike; what is being deleted is not offered."""
    owner = Phone(running_url, name_of(phone))
    with Image.open(some_photo(photos, "parrots/kea")) as scene:
        for width, species in ((640, KEA), (480, GALAH), (320, KAKAPO)):
            smaller = scene.resize((width, width * scene.height // scene.width))
            owner.send(encoded(smaller), species)
    owner.send(encoded(Image.new("RGB", (48, 36), (200, 30, 30))), "not-a-parrot")
    owner.all_settled(4)
    tiles = my_birds(phone)
    expect(tiles).to_have_count(4)
    with phone.expect_response("**/similar?*"):
        sheet = opened(tiles.filter(has_text="Not a parrot"))
    expect(sheet.locator(".similar")).to_be_hidden()
    phone.keyboard.press("Escape")
    opened(tiles.filter(has_text="Kea"))
    more = sheet.locator(".similar .tile")
    expect(more).to_have_count(2)
    expect(more.locator("img.there")).to_have_count(2)
    assert serious(phone) == []
    assert sheet.evaluate("(sheet) => sheet.scrollWidth <= sheet.clientWidth")  # the row scrolls
    more.get_by_role("button", name="Kakapo").click()
    expect(sheet.get_by_role("heading", level=2)).to_have_text("Kakapo")
    sheet.get_by_role("button", name="Delete").click()
    opened(tiles.filter(has_text="Kea"))
    expect(more.locator(".name")).to_have_text(["Galah"])


def on_another_device(phone: Page, running_url: str) -> tuple[Phone, str]:
    """The same person there, and the id of their only bird."""
    other = Phone(running_url, name_of(phone))
    (name,) = other.pages()
    return other, name


def test_a_bird_that_another_device_deleted_goes_away(
    phone: Page, complaints: Complaints, running_url: str, photos: Path
) -> None:
    """A sheet about something that is gone must say so, and not fail at the next button."""
    complaints.expect("status of 404")
    tile = saved(phone, photos)
    other, name = on_another_device(phone, running_url)
    assert other.ask("DELETE", f"/observations/{name}").status_code == 204
    opened(tile)
    expect(phone.locator("#toast")).to_contain_text("deleted")
    expect(tile).to_have_count(0)


def test_an_older_state_is_not_overwritten(
    phone: Page, complaints: Complaints, running_url: str, photos: Path
) -> None:
    """Two devices change the same bird: the second one sees the first one's change."""
    complaints.expect("status of 412")
    tile = saved(phone, photos)
    other, name = on_another_device(phone, running_url)
    with phone.expect_response(f"**/observations/{name}"):
        sheet = opened(tile)
    change = {"species": "nestor-notabilis"}
    assert other.ask("PATCH", f"/observations/{name}", json=change).status_code == 200
    sheet.get_by_label("Save as").select_option("ara-ararauna")
    sheet.get_by_role("button", name="Change").click()
    expect(sheet.get_by_role("alert")).to_contain_text("changed on another device")


def test_a_change_without_a_network_speaks_of_no_photo_that_waits(
    phone: Page, complaints: Complaints, photos: Path
) -> None:
    """Only saves wait for a network: the name must not seem to be changed."""
    complaints.expect("ERR_INTERNET_DISCONNECTED")
    tile = saved(phone, photos)
    with phone.expect_response("**/similar?*"):
        sheet = opened(tile)
    phone.context.set_offline(True)
    sheet.get_by_label("Save as").select_option(KEA)
    sheet.get_by_role("button", name="Change").click()
    expect(sheet.get_by_role("alert")).to_have_text("You are offline.")
    sheet.get_by_label("May help to train the next model").click()
    toast = phone.locator("#toast")
    expect(toast).to_have_text(re.compile("You are offline"))
    assert toast.evaluate(ON_TOP)  # not below the sheet
