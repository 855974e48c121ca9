"""Finds Chromium, and collects what goes wrong in its pages."""

import os
import re
import shutil
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, ViewportSize

_VARIABLE = "PLAYWRIGHT_CHROMIUM"
_CANDIDATES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}


def find_chromium() -> str | None:
    """The browser that PLAYWRIGHT_CHROMIUM names, or the first that is installed."""
    named = os.environ.get(_VARIABLE)
    candidates = (named,) if named else _CANDIDATES
    return next(filter(None, map(shutil.which, candidates)), None)


@dataclass
class Complaints:
    """Errors in the console, uncaught exceptions and requests to other origins."""

    origin: str
    _found: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda event: self._found.append(str(event.error)))
        context.on("request", self._request)

    def expect(self, pattern: str) -> None:
        """Accept a complaint that matches, and require at least one."""
        self._expected.append(pattern)

    def check(self) -> None:
        """Fail on unexpected complaints, and on expected ones that did not come."""
        unexpected = [
            complaint
            for complaint in self._found
            if not any(re.search(pattern, complaint) for pattern in self._expected)
        ]
        assert unexpected == []
        for pattern in self._expected:
            assert any(re.search(pattern, complaint) for complaint in self._found), pattern

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._found.append(f"{message.text} ({message.location['url']})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", f"blob:{self.origin}/", "data:")):
            self._found.append(f"request to another origin: {request.url}")
