"""Download tokens open one file of one observation for a limited time."""

import string
from urllib.parse import quote

import pytest

from parrot.errors import Forbidden
from parrot.quota import User
from parrot.tokens import Downloads
from tests.support.observations import observation

SECRET = b"a secret of thirty-two characters"
NEWER = b"another secret of enough characters"
NOW = 1_800_000_000.0


def downloads(now: float = NOW, *secrets: bytes) -> Downloads:
    return Downloads(secrets or (SECRET,), lambda: now)


def token(path: str) -> str:
    return path.partition("?token=")[2]


MADE = token(downloads().path(observation(), "image"))


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
    first, soon, later = (downloads(NOW + s).path(observation(), "image") for s in (0, 1799, 1800))
    assert first == soon != later


@pytest.mark.parametrize(
    ("observation_id", "file"), [("id-00002", "image"), ("id-00001", "thumbnail")]
)
def test_a_token_opens_nothing_else(observation_id: str, file: str) -> None:
    """Not another observation, not another file."""
    with pytest.raises(Forbidden):
        downloads().grant(MADE, observation_id, file)


def test_no_changed_token_opens_anything_and_each_has_one_spelling() -> None:
    """Not for another user, not for longer.

    Caches and logs know a URL by its letters, and base64 decoders skip what they do not know.
    """
    value, when, signature = MADE.split(".")
    changed = [
        *(f"{MADE[:at]}{'AB'[MADE[at] == 'A']}{MADE[at + 1 :]}" for at in range(len(MADE))),
        *(MADE[:-1] + letter for letter in string.ascii_letters + string.digits + "-_"),
        *("", "x", "é", f"{MADE}AAAA", MADE[:-4], "A" * 400, f" {MADE}"),
        *(f"{value}.{when}={signature}", f"{value}=.{when}.{signature}"),
        *(
            f"{value}.{when}.{signature[:at]}{junk}{signature[at:]}"
            for at in (0, 7, len(signature))
            for junk in ("!", "\n", "=", "==", "%", "~", ".")
        ),
        MADE.replace("-", "+").replace("_", "/"),
    ]
    for bad in set(changed) - {MADE}:
        with pytest.raises(Forbidden):
            downloads().grant(bad, "id-00001", "image")


def test_without_a_secret_there_are_no_tokens() -> None:
    """URLs then need the user's own credentials."""
    nothing = Downloads((), lambda: NOW)
    assert nothing.path(observation(), "image") == "id-00001/image"
    with pytest.raises(Forbidden):
        nothing.grant(MADE, "id-00001", "image")


def test_a_secret_can_be_replaced_while_phones_hold_urls() -> None:
    """The newest signs, the older ones are still accepted: no picture breaks."""
    during = downloads(NOW, NEWER, SECRET)
    new = token(during.path(observation(), "image"))
    for made in (MADE, new):
        assert during.grant(made, "id-00001", "image").user == User("ana")
    assert downloads(NOW, NEWER).grant(new, "id-00001", "image").user == User("ana")
    with pytest.raises(Forbidden):
        downloads().grant(new, "id-00001", "image")


def test_a_token_of_a_faster_clock_is_accepted() -> None:
    """The next instance may be a second behind the one that made it."""
    assert downloads(NOW - 1).grant(MADE, "id-00001", "image").expires == NOW + 3600


def test_every_uid_that_can_be_stored_fits_into_a_url() -> None:
    """Custom tokens of Firebase may hold more than letters."""
    uid = "a.b:c@d|e+f=g~h-" * 8
    made = token(downloads().path(observation(uid=uid), "image"))
    assert made == quote(made, safe="")
    assert downloads().grant(made, "id-00001", "image").user == User(uid)
