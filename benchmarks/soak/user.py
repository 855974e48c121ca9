"""A person with a phone: classifies, saves, lists, relabels, deletes, and remembers it all."""

from __future__ import annotations

import io
import time
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import requests
from PIL import Image

from benchmarks.clients import WAYS, Ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.photos import Sample

BASE = "/parrot-classifier"
SPECIES = ("nestor-notabilis", "aratinga-solstitialis", "eolophus-roseicapilla")
# What a phone tries again: the connection broke, or the service says that a retry may help.
_RETRYABLE = frozenset({429, 500, 502, 503, 504})
_PAUSE_SECONDS, _PATIENCE_SECONDS, _TIMEOUT_SECONDS = 0.5, 90.0, 60
_KEPT = 40  # observations; above that the person deletes more than they save
_SHARES = {"classify": 8, "save": 4, "list": 4, "relabel": 2, "delete": 2}
_OK, _CREATED, _EMPTY, _NOT_FOUND = 200, 201, 204, 404


class Failure(Exception):
    """The service did something that it must never do."""


@dataclass(slots=True)
class Tally:
    """What happened to one user's requests."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    retries: dict[str, int] = field(default_factory=dict)


class User:
    """One person; not shared between threads."""

    def __init__(self, name: str, url: str, photos: Mapping[str, Sample], seed: int) -> None:
        """`photos` are those that are classified again and again."""
        self.name, self.tally = name, Tally()
        self.saved: dict[str, str] = {}  # id -> species, of what was acknowledged and not deleted
        self.deleted: set[str] = set()
        self._url, self._photos = url, photos
        self._random = Random(f"{name} {seed}")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer local:{name}"

    def step(self, verdicts: Mapping[tuple[str, str], str]) -> None:
        """One random deed. Raises Failure."""
        shares = dict(_SHARES)
        if len(self.saved) > _KEPT:
            shares["delete"] += shares["save"]
        deed = self._random.choices(list(shares), list(shares.values()))[0]
        if deed in {"relabel", "delete"} and not self.saved:
            deed = "save"
        if deed == "classify":
            self.classify(verdicts)
        else:
            {
                "save": self.save,
                "list": self.check_list,
                "relabel": self.relabel,
                "delete": self.delete,
            }[deed]()

    def classify(self, verdicts: Mapping[tuple[str, str], str]) -> None:
        """The same photo has the same verdict, however it is sent."""
        photo, way = self._random.choice(list(self._photos)), self._random.choice(list(WAYS))
        ask = WAYS[way](self._url, self._photos[photo])
        answer = self._send("classify", ask.request.copy).text
        if answer != verdicts[photo, way]:
            raise Failure(f"{photo} sent as {way}: {answer} instead of {verdicts[photo, way]}")

    def save(self) -> None:
        """A new photo; sometimes again, as if the first answer had been lost on its way."""
        species, photo = self._random.choice(SPECIES), self._new_photo()
        key = str(uuid.UUID(int=self._random.getrandbits(128)))
        headers = {"Idempotency-Key": key, "Content-Type": "image/jpeg"}
        times = 2 if self._random.random() < 0.25 else 1  # noqa: PLR2004 - every fourth
        ids = set()
        for _ in range(times):
            answer = self._call("save", "POST", f"/save?species={species}", photo, headers)
            ids.add(answer.json()["id"])
        if len(ids) != 1:
            raise Failure(f"{self.name}: one save became {len(ids)} observations")
        (name,) = ids
        self.saved[name] = species

    def check_list(self) -> None:
        """Exactly what was saved and not deleted, with its label."""
        found = {entry["id"]: entry["species"] for entry in self.observations("list")}
        if found != self.saved:
            lost = self.saved.keys() - found.keys()
            back = found.keys() - self.saved.keys()
            changed = {
                name for name in found.keys() & self.saved if found[name] != self.saved[name]
            }
            raise Failure(
                f"{self.name}: lost {sorted(lost)}, too many {sorted(back)},"
                f" wrong labels {sorted(changed)}"
            )

    def relabel(self) -> None:
        """The new label counts from then on."""
        name, species = self._random.choice(list(self.saved)), self._random.choice(SPECIES)
        self._call("relabel", "PATCH", f"/observations/{name}", {"species": species})
        self.saved[name] = species

    def delete(self) -> None:
        """A delete whose answer was lost is 404 the second time."""
        name = self._random.choice(list(self.saved))
        self._call("delete", "DELETE", f"/observations/{name}", allowed=_NOT_FOUND)
        del self.saved[name]
        self.deleted.add(name)

    def observations(self, deed: str) -> list[dict[str, Any]]:
        """All pages of the list."""
        entries: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self._call(deed, "GET", f"/observations?page_size=20{token}").json()
            entries += page["observations"]
            if "next_page_token" not in page:
                return entries
            token = f"&page_token={page['next_page_token']}"

    def _call(  # noqa: PLR0913 - a request has so many parts
        self,
        deed: str,
        method: str,
        path: str,
        body: bytes | dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        allowed: int = _OK,
    ) -> requests.Response:
        url = f"{self._url}{BASE}{path}"
        sent = {"json": body} if isinstance(body, dict) else {"data": body}
        request = requests.Request(method, url, headers=dict(headers or {}), **sent)
        return self._send(deed, lambda: self._session.prepare_request(request), allowed=allowed)

    def _send(
        self, deed: str, prepare: Callable[[], requests.PreparedRequest], *, allowed: int = _OK
    ) -> requests.Response:
        """As a phone on a bad network does: again, until it is answered. Raises Failure."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            started = time.perf_counter()
            problem = "no connection"
            try:
                response = self._session.send(prepare(), timeout=_TIMEOUT_SECONDS)
            except requests.RequestException as error:
                problem = f"{type(error).__name__}"
            else:
                if response.status_code in {_OK, _CREATED, _EMPTY, allowed}:
                    taken = time.perf_counter() - started
                    self.tally.seconds.setdefault(deed, []).append(taken)
                    return response
                problem = f"{response.status_code} {response.text[:200]}"
                if response.status_code not in _RETRYABLE:
                    raise Failure(f"{self.name}: {deed}: {problem}")
            self.tally.retries[deed] = self.tally.retries.get(deed, 0) + 1
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}: {deed}: for {_PATIENCE_SECONDS:g} s only {problem}")
            time.sleep(_PAUSE_SECONDS)

    def _new_photo(self) -> bytes:
        """Large spots of random colours: no two resemble each other."""
        rng = np.random.default_rng(self._random.getrandbits(64))
        spots = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        out = io.BytesIO()
        spots.resize((640, 480), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
        return out.getvalue()


def verdicts(url: str, photos: Mapping[str, Sample]) -> dict[tuple[str, str], str]:
    """The first answer for each photo and each way to send it."""
    answers = {}
    for name, sample in photos.items():
        for way, prepare in WAYS.items():
            ask: Ask = prepare(url, sample)
            response = requests.Session().send(ask.request, timeout=_TIMEOUT_SECONDS)
            response.raise_for_status()
            answers[name, way] = response.text
    return answers
