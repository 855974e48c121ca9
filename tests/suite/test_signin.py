"""Signing in on the page, with Firebase's own SDK and Auth emulator."""

import os
import uuid
from pathlib import Path

import requests
from playwright.sync_api import Locator, Page, expect

from local.stack import PROJECT
from tests.support.browser import PHONE, Complaints
from tests.support.firebase_users import TIMEOUT
from tests.support.page import MODEL_MS, choose, my_birds, save_as, saved, some_photo
from tests.support.visits import Visit


def auth_emulator() -> str:
    return f"http://{os.environ['FIREBASE_AUTH_EMULATOR_HOST']}"


def account(page: Page) -> str:
    """Whose the page's birds are."""
    return str(page.evaluate("localStorage.getItem('parrot.account')"))


def ask_for_link(page: Page, email: str) -> Locator:
    """Ask for a link, and open it as it comes by e-mail; the dialog."""
    page.locator("#account-button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill(email)
    dialog.get_by_role("button", name="Send me a link").click()
    expect(dialog).to_contain_text(email)
    open_link(page, email)
    return dialog


def sign_in(page: Page, email: str) -> None:
    ask_for_link(page, email)
    expect(page.locator("#toast")).to_contain_text("You are signed in", timeout=MODEL_MS)


def open_link(page: Page, email: str) -> None:
    """Open the newest link that was sent to an address."""
    sent = requests.get(
        f"{auth_emulator()}/emulator/v1/projects/{PROJECT}/oobCodes", timeout=TIMEOUT
    ).json()["oobCodes"]
    page.goto([code["oobLink"] for code in sent if code["email"] == email][-1])


def test_identifying_needs_no_account(visit: Visit, photos: Path, suite_url: str) -> None:
    """Nobody signs up to ask a question, so the SDK is not even loaded."""
    page = visit(screen=PHONE)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.reload()
    choose(page, some_photo(photos, "parrots/sun-conure"))
    assert f"{suite_url}/app/account-firebase.js" in requested
    assert not [url for url in requested if "/vendor/" in url or url.startswith(auth_emulator())]


def test_birds_saved_without_signing_in_come_along(
    visit: Visit, complaints: Complaints, photos: Path
) -> None:
    """Anonymous first; the same account gets an address later, so that nothing is lost."""
    complaints.expect(f"request to another origin: {auth_emulator()}")
    page = visit(screen=PHONE)
    saved(page, photos)
    anonymous = account(page)
    sign_in(page, f"{uuid.uuid4().hex}@example.com")
    assert account(page) == anonymous
    expect(my_birds(page).locator(".name")).to_have_text("Sun conure")
    page.locator("#account-button").click()
    expect(page.get_by_role("dialog")).to_contain_text("Signed in as")


def test_birds_come_along_into_an_account_that_existed(
    visit: Visit, complaints: Complaints, photos: Path
) -> None:
    """A second phone: what was saved there before signing in joins the rest."""
    complaints.expect(f"request to another origin: {auth_emulator()}")
    complaints.expect("status of 400")  # Auth's answer: the address has an account
    email = f"{uuid.uuid4().hex}@example.com"
    first = visit(screen=PHONE)
    save_as(choose(first, some_photo(photos, "parrots/sun-conure")))
    sign_in(first, email)
    second = visit(screen=PHONE)
    save_as(choose(second, some_photo(photos, "parrots/kea")))
    assert account(second) != account(first)
    dialog = ask_for_link(second, email)
    expect(dialog).to_contain_text("has an account already", timeout=MODEL_MS)
    open_link(second, email)
    expect(second.locator("#toast")).to_contain_text("You are signed in", timeout=MODEL_MS)
    assert account(second) == account(first)
    names = my_birds(second).locator(".name")
    expect(names).to_have_text(["Kea", "Sun conure"], timeout=MODEL_MS)


def test_signing_out_hides_the_birds(visit: Visit, complaints: Complaints, photos: Path) -> None:
    """A shared tablet; after signing in again they are there."""
    complaints.expect(f"request to another origin: {auth_emulator()}")
    email = f"{uuid.uuid4().hex}@example.com"
    page = visit(screen=PHONE)
    save_as(choose(page, some_photo(photos, "parrots/sun-conure")))
    sign_in(page, email)
    expect(my_birds(page)).to_have_count(1)
    page.locator("#account-button").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="No birds yet")).to_be_visible()
    sign_in(page, email)
    expect(my_birds(page)).to_have_count(1)
