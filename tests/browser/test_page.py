"""The web page: served whole, true to the service, in need of nobody else's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Self

import pytest
import requests

from local.drawing import draw_parrot
from local.stack import DEFAULT_BUNDLE, ROOT
from parrot.errors import ParrotError
from parrot.model.species import SpeciesTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

PUBLIC = ROOT / "public"
TEXTS = sorted(path for path in PUBLIC.iterdir() if path.suffix != ".json")
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

# Chromium takes commands from descriptor 3 and answers on 4.
LAUNCH = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, descriptor in zip((3, 4), ours):
    os.dup2(descriptor, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Rows(HTMLParser):
    """The table rows that have an id, and the numbers in each row's second column."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.statuses: dict[str, set[int]] = {}
        self._row: str | None = None
        self._cell = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._row, self._cell = dict(attrs).get("id"), 0
            if self._row:
                assert self._row not in self.statuses
                self.statuses[self._row] = set()
        elif tag in {"th", "td"}:
            self._cell += 1

    def handle_data(self, data: str) -> None:
        if self._row and self._cell == 2:
            self.statuses[self._row] |= {int(number) for number in re.findall(r"\d+", data)}


def errors(root: type[ParrotError] = ParrotError) -> Iterator[type[ParrotError]]:
    """Every class of the tree that has a code of its own."""
    if "code" in vars(root):
        yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("parrot."):
            yield from errors(child)


def test_every_error_code_is_explained_and_no_other() -> None:
    """A problem's `type` leads there; a dead link would be the second disappointment."""
    html = (PUBLIC / "errors.html").read_text(encoding="utf-8")
    explained = Rows(html).statuses
    assert set(explained) == {error.code for error in errors()}
    for error in errors():
        assert error.status in explained[error.code] or error.code == "invalid_image"
    assert explained["invalid_image"] == {400, 422}


def test_the_species_list_is_the_bundles() -> None:
    """People choose from it what the service then looks up."""
    table = SpeciesTable.parse((DEFAULT_BUNDLE / "species.csv").read_bytes())
    listed = json.loads((PUBLIC / "species.json").read_text(encoding="utf-8"))
    assert listed == {
        "species": [
            {
                "index": species.index,
                "id": species.id,
                "scientific_name": species.scientific_name,
                "names": {"en": species.english, "ko": species.korean},
                "cites": species.cites or None,
            }
            for species in table.rows
        ]
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/app.js", "text/javascript"),
        ("/card.js", "text/javascript"),
        ("/service.js", "text/javascript"),
        ("/words.js", "text/javascript"),
        ("/style.css", "text/css"),
        ("/species.json", "application/json"),
        ("/mark.svg", "image/svg+xml"),
        ("/favicon.svg", "image/svg+xml"),
        ("/parrot-classifier/errors", "text/html"),
    ],
)
def test_each_part_of_the_page_is_served_as_what_it_is(
    running_url: str, path: str, kind: str
) -> None:
    """A module that is served as plain text is not run."""
    response = requests.get(running_url + path, timeout=30)
    assert response.status_code == 200
    assert response.headers["Content-Type"].partition(";")[0] == kind


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_nothing_refers_to_another_origin(path: Path) -> None:
    """The page works offline, and tells nobody that it is looked at."""
    text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.findall(r"https?://|[\"'(]//|@import|url\((?!#)", text)


@pytest.mark.parametrize("name", ["index.html", "errors.html"])
def test_no_code_or_style_stands_inline(name: str) -> None:
    """The content security policy forbids it, so that an injected script would not run either."""
    html = (PUBLIC / name).read_text(encoding="utf-8")
    assert "Content-Security-Policy" in html
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)


@pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome on PATH")
def test_a_person_classifies_a_photo_and_saves_it(running_url: str, tmp_path: Path) -> None:
    """The whole way in a real browser: choose, read the verdict, save, be told the second time."""
    drawing = draw_parrot(tmp_path / "parrot.png")
    with Browser(tmp_path / "profile", running_url) as page:
        page.choose("#files", drawing)
        page.wait("document.querySelector('.card').dataset.state === 'answered'")
        assert page.text(".verdict-title") == "A parrot"
        assert page.text(".species .name") == "Blue-and-yellow macaw"
        page.run("document.querySelector('.card select').value = 'ara-ararauna'")
        page.run("document.querySelector('.save button').click()")
        page.wait("!document.querySelector('.saved').hidden")
        assert page.text(".saved") == "Saved as Blue-and-yellow macaw."
        page.choose("#files", drawing)
        page.wait("document.querySelector('.card').dataset.state === 'answered'")
        page.run("document.querySelector('.card select').value = 'ara-ararauna'")
        page.run("document.querySelector('.save button').click()")
        page.wait("!document.querySelector('.saved').hidden")
        assert "saved this photo before" in page.text(".saved")
        assert page.complaints == []


@pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome on PATH")
def test_a_person_is_told_why_a_file_is_refused(running_url: str, tmp_path: Path) -> None:
    """A web page that somebody saved under a photo's name is the commonest broken photo."""
    fake = tmp_path / "photo.jpg"
    fake.write_text("<!doctype html>")
    with Browser(tmp_path / "profile", running_url) as page:
        page.choose("#files", fake)
        page.wait("document.querySelector('.card').dataset.state === 'failed'")
        assert page.text(".problem-title") == "Unsupported media type"
        address = page.run("document.querySelector('.problem-link').href")
        assert address == f"{running_url}/parrot-classifier/errors#unsupported_media"


class Browser:
    """A headless Chromium with one page, driven over a pair of pipes: no package, no port."""

    def __init__(self, profile: Path, url: str) -> None:
        """`complaints` collects what the browser's console calls errors."""
        self.complaints: list[str] = []
        self._number = 0
        self._session: str | None = None
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out), str(BROWSER)),
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                *("--disable-background-networking", "--disable-sync", "--no-first-run"),
                *("--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"),
            ],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._url = url

    def __enter__(self) -> Self:
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Log"):
            self._ask(f"{domain}.enable")
        self._ask("Page.navigate", url=self._url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._session = None
        self._ask("Browser.close")
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)

    def run(self, script: str) -> object:
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"never: {condition}; {self.complaints}"
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        return str(self.run(f"document.querySelector({selector!r}).textContent.trim()"))

    def choose(self, selector: str, *files: Path) -> None:
        root = self._ask("DOM.getDocument")["root"]["nodeId"]
        node = self._ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._ask("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def _ask(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            said = json.loads(self._next())
            if said.get("id") == self._number:
                assert "error" not in said, said
                return dict(said["result"])
            self._note(said)

    def _next(self) -> bytes:
        message = b""
        while not message.endswith(b"\0"):
            piece = os.read(self._in, 1)
            assert piece, "the browser ended"
            message += piece
        return message[:-1]

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(event["params"]["exceptionDetails"]))
        entry = event.get("params", {}).get("entry", {})
        if event.get("method") == "Log.entryAdded" and entry["level"] == "error":
            self.complaints.append(entry["text"])
