"""A signed-in user of the service, over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from tests.support.photos import encoded, noise
from tests.support.waiting import until

BASE = "/parrot-classifier"
REVIEWERS = ("reviewer-one", "reviewer-two", "reviewer-three")  # of the shared stack


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
        return str(self.send(encoded(noise(32, 24, seed=seed), quality=60), species)["id"])

    def send(
        self, photo: bytes, species: str = "nestor-notabilis", **fields: str
    ) -> dict[str, Any]:
        """Save a new photo; return the observation."""
        data = {"species": species, **fields}
        response = self.ask("POST", "/save", files={"image": photo}, data=data)
        assert response.status_code == 201, response.text
        body: dict[str, Any] = response.json()
        return body

    def pages(self, *, between: Callable[[], None] = lambda: None, **query: Any) -> list[str]:
        """Read all pages in order; return the ids on them."""
        return [row["id"] for row in self.observations(between=between, **query)]

    def observations(
        self, *, between: Callable[[], None] = lambda: None, **query: Any
    ) -> list[dict[str, Any]]:
        """All observations, page by page."""
        rows: list[dict[str, Any]] = []
        while True:
            body = self.get("/observations", params=query).json()
            rows += body["observations"]
            if "next_page_token" not in body:
                return rows
            query["page_token"] = body["next_page_token"]
            between()

    def all_settled(self, count: int = 1) -> list[dict[str, Any]]:
        """All observations, as soon as there are so many and each is processed."""

        def ask() -> list[dict[str, Any]]:
            rows = self.observations(page_size=50)
            pending = [row for row in rows if row["status"] == "pending"]
            return rows if len(rows) >= count and not pending else []

        # Lists count as downloads: asked as fast as can be, they are refused before patience ends.
        return until(ask, f"{count} processed observations of {self.user}", pause=0.25)

    def settled(self, name: str) -> dict[str, Any]:
        """The observation once it is processed."""

        def ask() -> dict[str, Any] | None:
            body: dict[str, Any] = self.get(f"/observations/{name}").json()
            return body if body["status"] != "pending" else None

        body = until(ask, f"{name} to be processed")
        assert body is not None
        return body
