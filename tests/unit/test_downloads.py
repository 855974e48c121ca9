"""Download tokens open one file of one observation for a limited time."""

from __future__ import annotations

import pytest

from parrot.errors import Forbidden
from parrot.records import User
from parrot.tokens import Downloads
from tests.support.observations import observation

SECRET = b"a secret of thirty-two characters"
NOW = 1_800_000_000.0


def downloads(now: float = NOW, secret: bytes | None = SECRET) -> Downloads:
    return Downloads(secret, lambda: now)


def token(path: str) -> str:
    return path.partition("?token=")[2]


def test_a_token_names_its_user_and_lasts_half_an_hour_to_an_hour() -> None:
    """Long enough to scroll, too short to pass on."""
    for later in (0, 1799, 1800, 12345):
        made = token(downloads(NOW + later).path(observation(), "image"))
        grant = downloads(NOW + later).grant(made, "id-00001", "image")
        assert grant.user == User("ana")
        assert 1800 <= grant.expires - (NOW + later) <= 3600
        with pytest.raises(Forbidden, match="expired"):
            downloads(grant.expires).grant(made, "id-00001", "image")


def test_urls_stay_the_same_for_a_while() -> None:
    """Caches know a picture by its URL."""
    one, soon, later = (downloads(NOW + s).path(observation(), "image") for s in (0, 1799, 1800))
    assert one == soon != later


@pytest.mark.parametrize(
    ("observation_id", "file"), [("id-00002", "image"), ("id-00001", "thumbnail")]
)
def test_a_token_opens_nothing_else(observation_id: str, file: str) -> None:
    """Not another observation, not another file."""
    made = token(downloads().path(observation(), "image"))
    with pytest.raises(Forbidden):
        downloads().grant(made, observation_id, file)


def test_no_changed_token_opens_anything() -> None:
    """Not for another user, not for longer."""
    made = token(downloads().path(observation(), "image"))
    changed = [
        made[:i] + ("A" if made[i] != "A" else "B") + made[i + 1 :] for i in range(len(made))
    ]
    for bad in (*changed, "", "x", "é", made + "AAAA", made[:-4], "A" * 400):
        with pytest.raises(Forbidden):
            downloads().grant(bad, "id-00001", "image")


def test_another_secret_or_none_opens_nothing() -> None:
    """Changing the secret takes back every URL."""
    made = token(downloads().path(observation(), "image"))
    for secret in (b"another secret of enough characters", None):
        with pytest.raises(Forbidden):
            downloads(secret=secret).grant(made, "id-00001", "image")
    assert downloads(secret=None).path(observation(), "image") == "id-00001/image"
