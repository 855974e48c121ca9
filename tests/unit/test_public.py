"""The page's files, read as text: complete, consistent with the service, free of other origins."""

import json
import re

from local.stack import ROOT
from parrot.http import answers
from parrot.records import UNTRAINED
from tests.support.default_bundle import SPECIES
from tests.support.problems import errors

PUBLIC = ROOT / "public"
TEXTS = sorted(
    path
    for path in PUBLIC.rglob("*.*")
    if path.suffix not in {".json", ".png"} and path.parent.name != "vendor"
)
THIRD_PARTIES = {"apis.google.com", "identitytoolkit.googleapis.com", "securetoken.googleapis.com"}


def test_every_error_code_is_explained_and_no_other() -> None:
    """A problem's `type` links to its explanation there."""
    html = (PUBLIC / "errors.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr id="(\w+)">\s*<th.*?</th>\s*<td>([^<]*)</td>', html)
    explained = {code: set(map(int, re.findall(r"\d+", statuses))) for code, statuses in rows}
    assert len(rows) == len(explained) == html.count("<tr id=")
    assert set(explained) == {error.code for error in errors()}
    for error in errors():
        assert error.status in explained[error.code] or error.code == "invalid_image"
    assert explained["invalid_image"] == {400, 422}


def test_the_species_list_is_that_of_the_bundle() -> None:
    """People choose from it, and the service then looks up what they chose."""
    listed = json.loads((PUBLIC / "species.json").read_text(encoding="utf-8"))
    others = [label.id for label in UNTRAINED]
    assert listed == {"species": list(map(answers.species, SPECIES.rows)), "others": others}


def test_nothing_refers_to_another_origin() -> None:
    """The page works offline and reports its visitors to no third party."""
    for path in TEXTS:
        text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.findall(r"https?://|[\"'(]//|@import|url\((?!#)", text), path.name


def test_there_is_no_inline_code_or_style() -> None:
    """The content security policy forbids it, so that an injected script would not run either."""
    forbidden = r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)"
    for path in PUBLIC.glob("*.html"):
        html = path.read_text(encoding="utf-8")
        assert not re.findall(forbidden, html), path.name


def test_hosting_sends_a_strict_content_security_policy() -> None:
    """The page calls only its own origin, and Firebase Auth once a person signs in."""
    hosting = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))["hosting"]
    (everywhere,) = [rule["headers"] for rule in hosting["headers"] if rule["source"] == "**"]
    (policy,) = [row["value"] for row in everywhere if row["key"] == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r"https://([^\s;]+)", policy)) == THIRD_PARTIES


def test_the_service_worker_keeps_every_file_of_the_page() -> None:
    """A module that is missing there would break the page offline."""
    listed = set(re.findall(r'"([^"]+)"', (PUBLIC / "sw.js").read_text(encoding="utf-8")))
    modules = {path.stem for path in (PUBLIC / "app").glob("*.js")}
    words = {f"/words/{path.name}" for path in (PUBLIC / "words").glob("*.*")}
    assert modules | words | {"/", "/style.css", "/species.json", "/mark.svg"} <= listed


def test_every_word_on_the_page_is_in_every_language() -> None:
    """Every key that the page uses exists in every language, and no other."""
    sources = [*PUBLIC.glob("*.html"), *(PUBLIC / "app").glob("*.js")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r'data-(?:t|label)="([^"]+)"', text))
    used |= set(re.findall(r'\b(?:t|group)\(\s*"([a-z][\w.-]+)"', text))
    for words in (PUBLIC / "words").glob("*.js"):
        keys = set(re.findall(r'^  "([^"]+)":', words.read_text(encoding="utf-8"), re.MULTILINE))
        assert used <= keys, words.name
        computed = ("error.", "status.", "answer.", "keep.", "card.", "account.", "kind.")
        assert {key for key in keys - used if not key.startswith(computed)} == set()


def test_the_first_screen_has_its_words_before_any_script_runs() -> None:
    """On a slow network scripts come late; a button without words is not a button."""
    html = (PUBLIC / "index.html").read_text(encoding="utf-8").partition('<div class="toast"')[0]
    words = (PUBLIC / "words" / "en.js").read_text(encoding="utf-8")
    english = dict(re.findall(r'^  "([^"]+)": "(.*)",$', words, re.MULTILINE))
    texts = re.findall(r'data-t="([^"]+)"[^>]*>([^<]*)<', html)
    labels = re.findall(r'data-label="([^"]+)"(?: aria-label="([^"]*)")?', html)
    assert len(texts) > 15
    for key, text in [*texts, *labels]:
        assert text == english[key], key
