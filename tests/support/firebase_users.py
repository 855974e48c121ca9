"""People as Firebase's Auth emulator knows them, and what they upload to Storage's."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from local.stack import BUCKET

TIMEOUT = 60
_PART = "between-parts-of-an-upload"


@dataclass(frozen=True)
class Account:
    """A signed-in user."""

    uid: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What the HTTP API and the emulators' own APIs read."""
        return {"Authorization": f"Bearer {self.token}"}


def sign_up() -> Account:
    """A new anonymous account."""
    host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
    url = f"http://{host}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any"
    response = requests.post(url, json={"returnSecureToken": True}, timeout=TIMEOUT)
    response.raise_for_status()
    return Account(response.json()["localId"], response.json()["idToken"])


def upload(
    name: str, asker: Mapping[str, str], data: bytes = b"photo", **stated: Any
) -> requests.Response:
    """As Firebase's SDK uploads: metadata and photo in one multipart body."""
    metadata = {"name": name, "contentType": "image/jpeg", **stated}
    head = f"--{_PART}\r\nContent-Type: application/json\r\n\r\n{json.dumps(metadata)}\r\n"
    head += f"--{_PART}\r\nContent-Type: {metadata['contentType']}\r\n\r\n"
    return requests.post(
        f"http://{os.environ['FIREBASE_STORAGE_EMULATOR_HOST']}/v0/b/{BUCKET}/o",
        params={"name": name},
        data=head.encode() + data + f"\r\n--{_PART}--".encode(),
        headers={
            **asker,
            "Content-Type": f"multipart/related; boundary={_PART}",
            "X-Goog-Upload-Protocol": "multipart",
        },
        timeout=TIMEOUT,
    )
