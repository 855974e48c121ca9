"""Base64 as phones send it in forms, with every kind of escape."""

import base64
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parrot.errors import InvalidImage
from tests.support.bodies import FORM, submitted
from tests.support.photos import encoded, noise

PHOTO = encoded(noise(16, 12))


def lower_case(escaped: str) -> str:
    return escaped.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d")


FORMS: dict[str, Callable[[str], str]] = {
    "a browser's": quote_plus,
    "lower-case escapes": lambda text: lower_case(quote_plus(text)),
    "padding as it is": lambda text: quote(text, safe="="),
    "padding as it is, then an escaped line break": lambda text: quote(text, safe="=") + "%0A",
    "half of the padding escaped": lambda text: quote(text, safe="=").replace("==", "=%3D"),
    "slashes as they are": lambda text: quote(text, safe="/"),
    "nothing escaped": lambda text: text,
    "every letter escaped": lambda text: "".join(f"%{ord(letter):02X}" for letter in text),
    "lines": lambda text: "%0D%0A".join(
        quote_plus(text[at : at + 76]) for at in range(0, 9999, 76)
    ),
    "plus as a space": lambda text: text.replace("+", " "),
    "URL-safe": lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
}


@given(tail=st.binary(max_size=80))
def test_a_form_gives_the_photo_back_byte_for_byte(tail: bytes) -> None:
    """Each of these phones exists; a lost byte would change the photo's hash and its verdict."""
    photo = PHOTO + tail + b"."  # its base64 never ends with a plus
    text = base64.b64encode(photo).decode()
    for name, escape in FORMS.items():
        sent = submitted(f"index=3&b64={escape(text)}&x=%C3%A9".encode(), FORM)
        assert sent.photos[0].data == photo, name
        assert sent.fields == {"index": "3", "x": "é"}, name
        assert sent.first_version, name


@pytest.mark.parametrize("wrong", ["%", "%zz", "/9j/%25", "/9j/=41A", "A", "/9j/%C3%A9", "%3D%3D"])
def test_what_is_not_base64_is_refused(wrong: str) -> None:
    """With 400: a phone that sends this has a bug, and its photo is not looked at."""
    with pytest.raises(InvalidImage) as refused:
        submitted(f"b64={wrong}".encode(), FORM)
    assert refused.value.status == 400
