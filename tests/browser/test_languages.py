"""Every word in the reader's language."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, Complaints
from tests.support.page import choose, some_photo, states
from tests.support.problems import errors
from tests.support.visits import Visit

# Letters that stay as they are in every language: names, types of file, species in Latin.
SAME_EVERYWHERE = re.compile(
    r"English|Google|JPEG|PNG|WebP|HEIC|AVIF|CITES|IUCN|guest-\w+|[IVX/]+|\d+MB|_ |px"
)
PAIRS = """async (language) => {
  const words = (await import(`/words/${language}.js`)).default;
  return Object.entries(words).filter(([, text]) => Array.isArray(text));
}"""
VISIBLE_LATIN = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement: element, data } = walker.currentNode;
    if (!element.checkVisibility() || element.closest('[lang=la], [lang=en], noscript')) continue;
    if (/[A-Za-z]{2}/.test(data)) texts.push(data.trim());
  }
  return texts;
}"""


def latin(page: Page) -> list[str]:
    """Visible texts in Latin letters that should not be there."""
    texts = page.evaluate(VISIBLE_LATIN)
    return [text for text in texts if re.search("[A-Za-z]{2}", SAME_EVERYWHERE.sub("", text))]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_error_has_words(desktop: Page, language: str) -> None:
    """People read an error by its code: a new code of the service needs a sentence here."""
    known = dict(desktop.evaluate(PAIRS, language))
    for error in errors():
        code = error.code
        if error.status >= 500 and f"error.{code}" not in known:
            code = "internal"  # what an operator must fix reads alike for everybody
        title, sentence = known[f"error.{code}"]
        assert title
        assert sentence


def test_a_korean_phone_reads_korean_everywhere(
    visit: Visit, complaints: Complaints, photos: Path, odd: Path
) -> None:
    """Not the species' names only: each state of the page."""
    complaints.expect("status of 415")
    korean = visit(screen=PHONE, locale="ko-KR", is_mobile=True, has_touch=True)
    expect(korean.locator("html")).to_have_attribute("lang", "ko")
    for state in states(korean, photos):
        assert latin(korean) == [], state
    korean.locator("nav.views a[data-view=identify]").click()
    choose(korean, odd / "derived-parrot" / "blue-and-gold-macaw-html-as.jpg", until="failed")
    assert latin(korean) == []
    korean.locator("#account-button").click()
    assert latin(korean) == []


def test_switching_keeps_what_is_on_the_page(phone: Page, photos: Path) -> None:
    """The answer is translated where it stands; the choice is remembered."""
    card = choose(phone, some_photo(photos, "parrots/sun-conure"))
    phone.get_by_label("Language").select_option("ko")
    expect(card.locator(".headline")).to_have_text("아마도 태양앵무")
    expect(phone).to_have_title("앵무새 도감")
    phone.reload()
    expect(phone.locator("html")).to_have_attribute("lang", "ko")


def test_another_language_falls_back_to_english(visit: Visit) -> None:
    """A phone that speaks Finnish gets words, not keys."""
    page = visit(locale="fi-FI")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which parrot is this?")
