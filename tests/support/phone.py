"""A signed-in user of the service, over HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from tests.support.photos import encoded, noise

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "/parrot-classifier"
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Phone:
    url: str
    user: str

    def ask(self, method: str, path: str, **request: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer local:{self.user}", **request.pop("headers", {})}
        return requests.request(
            method, f"{self.url}{BASE}{path}", headers=headers, timeout=60, **request
        )

    def get(self, path: str, **request: Any) -> requests.Response:
        return self.ask("GET", path, **request)

    def save(self, seed: int, species: str = "nestor-notabilis") -> str:
        """Save a small unique photo; return its id."""
        data = encoded(noise(32, 24, seed=seed), quality=60)
        response = self.ask("POST", "/save", files={"image": data}, data={"species": species})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def pages(self, *, between: Callable[[], None] = lambda: None, **query: Any) -> list[str]:
        """Read all pages in order; return the ids on them."""
        ids: list[str] = []
        while True:
            body = self.get("/observations", params=query).json()
            ids += [observation["id"] for observation in body["observations"]]
            if "next_page_token" not in body:
                return ids
            query["page_token"] = body["next_page_token"]
            between()

    def settled(self, name: str) -> dict[str, Any]:
        """The observation once it is processed."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            body: dict[str, Any] = self.get(f"/observations/{name}").json()
            if body["status"] != "pending":
                return body
            time.sleep(0.1)
        raise AssertionError(f"{name} is still pending")
