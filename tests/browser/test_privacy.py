"""Privacy: what is kept about a person can be taken along and removed."""

import json
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.page import my_birds, name_of, saved
from tests.support.phone import Phone


def test_everything_is_downloaded_and_then_deleted(
    phone: Page, running_url: str, photos: Path
) -> None:
    """With a receipt, after a question; nobody deletes all of their birds by a slip."""
    saved(phone, photos)
    owner = Phone(running_url, name_of(phone))
    phone.get_by_role("link", name="Privacy").click()
    expect(phone.locator("#privacy-figures")).to_contain_text("1 photo is kept")
    with phone.expect_download() as archive:
        phone.get_by_role("button", name="Download everything").click()
    assert zipfile.is_zipfile(archive.value.path())
    phone.get_by_role("button", name="Delete everything").click()
    with phone.expect_download() as receipt:
        phone.get_by_role("button", name="Delete everything now").click()
    told = json.loads(receipt.value.path().read_text())
    assert (told["receipt"]["user"], told["receipt"]["observations"]) == (owner.user, 1)
    expect(phone.locator("#privacy-outcome")).to_contain_text("Everything is deleted")
    assert owner.pages() == []
    expect(my_birds(phone)).to_have_count(0)
