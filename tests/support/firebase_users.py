"""People as Firebase's Auth emulator knows them, through Auth's own REST API."""

from __future__ import annotations

import os
from dataclasses import dataclass

import requests

TIMEOUT = 60


@dataclass(frozen=True)
class Person:
    """A signed-in user."""

    uid: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What the HTTP API and the emulators' own APIs read."""
        return {"Authorization": f"Bearer {self.token}"}


def sign_up(email: str | None = None) -> Person:
    """A new account: anonymous, or with an e-mail address and a password."""
    account: dict[str, object] = {"returnSecureToken": True}
    if email is not None:
        account |= {"email": email, "password": "correct horse battery staple"}
    host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
    url = f"http://{host}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any"
    response = requests.post(url, json=account, timeout=TIMEOUT)
    response.raise_for_status()
    return Person(response.json()["localId"], response.json()["idToken"])
