"""The HTTP API as a simulated person's app uses it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from local.supervisor import PartFailed

_TIMEOUT_SECONDS = 120
_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.5
_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class App:
    """Signed in to the local stack under a name."""

    url: str
    person: str

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as requests
        """The answer's JSON. Raises PartFailed unless it is a good one."""
        return self._answer(method, path, **request)[1]

    def save(self, photo: Path, species: str) -> str:
        """Save a photo that may train; its id."""
        fields = {"species": species, "training": "true"}
        files = {"image": (photo.name, photo.read_bytes())}
        return str(self.ask("POST", "/save", files=files, data=fields)["id"])

    def processed(self) -> None:
        """Wait until none of the person's photos is pending. Raises PartFailed."""
        until = time.monotonic() + _PATIENCE_SECONDS
        pending = {"status": "pending", "page_size": 1}
        while self.ask("GET", "/observations", params=pending)["observations"]:
            if time.monotonic() > until:
                raise PartFailed(f"photos of {self.person} are not processed")
            time.sleep(_POLL_SECONDS)

    def leave(self) -> dict[str, Any]:
        """Delete everything of this person; the signed receipt. Raises PartFailed."""
        status, body = self._answer("DELETE", "/me")
        while status == _ACCEPTED:
            time.sleep(_POLL_SECONDS)
            status, body = self._answer("DELETE", "/me")
        return body

    def _answer(self, method: str, path: str, **request: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - as above
        headers = {"Authorization": f"Bearer local:{self.person}"}
        where = f"{self.url}/parrot-classifier{path}"
        try:
            answer = requests.request(
                method, where, headers=headers, timeout=_TIMEOUT_SECONDS, **request
            )
        except requests.RequestException as error:
            raise PartFailed(f"{method} {path}: {error}") from error
        if not answer.ok:
            raise PartFailed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.status_code, dict(answer.json())
