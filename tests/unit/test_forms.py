"""Forms and JSON as clients write them, base64 in them, and what a form without a photo is told."""

import base64
import json
import random
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parrot.errors import InvalidImage, InvalidRequest
from tests.support.bodies import FORM, JSON, PARTS, fields, submitted
from tests.support.photos import encoded, noise

PHOTO = encoded(noise(16, 12))


def form(*parts: tuple[str, bytes]) -> bytes:
    """Each part is what follows `form-data`, and its content."""
    return (
        b"".join(
            b"--B\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (head.encode(), content)
            for head, content in parts
        )
        + b"--B--\r\n"
    )


EMPTY_INPUT = ('name="image"; filename=""', b"")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([('name="image"', PHOTO)], id="without a filename"),
        pytest.param([("name=image", PHOTO)], id="without quotes"),
        pytest.param([EMPTY_INPUT, ('name="image"; filename="a.jpg"', PHOTO)], id="empty first"),
        pytest.param([('name="image"; filename="a.jpg"', PHOTO), EMPTY_INPUT], id="empty last"),
        pytest.param([('name="image"', b""), ('name="image"', PHOTO)], id="empty and nameless"),
        pytest.param([('name="image"; filename=""', PHOTO)], id="with an empty filename"),
    ],
)
def test_a_part_named_image_is_the_photo(parts: list[tuple[str, bytes]]) -> None:
    """RFC 7578: a filename may be missing. HTML sends an empty part for an input without a file."""
    sent = submitted(form(("name=species", b"ara-macao"), *parts), PARTS)
    assert [photo.data for photo in sent.photos] == [PHOTO]
    assert sent.fields == {"species": "ara-macao"}


@pytest.mark.parametrize("charset", ["utf-8", "cp949"])
def test_a_filename_may_be_in_any_letters(charset: str) -> None:
    """`curl -F image=@사진.jpg` in a Korean Windows shell was a malformed form."""
    head = 'name="image"; filename="사진.jpg"'.encode(charset)
    body = form(('name="메모"', b"x"), ("FILE", PHOTO)).replace(b"FILE", head)
    sent = submitted(body, PARTS)
    assert [photo.data for photo in sent.photos] == [PHOTO]
    assert sent.fields == {"메모": "x"}


@pytest.mark.parametrize(
    "parts", [[EMPTY_INPUT], [('name="image"; filename="a.jpg"', b""), ("name=image", PHOTO)]]
)
def test_a_file_that_is_empty_is_the_callers_mistake(parts: list[tuple[str, bytes]]) -> None:
    """Nothing was chosen, or a named file has no bytes: neither is a photo."""
    with pytest.raises(InvalidImage, match="the photo is empty") as refused:
        submitted(form(*parts), PARTS)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (PARTS, form(('name="photo"; filename="a"', PHOTO), ("name=x", b"1")), "only 'photo'$"),
        (PARTS, form(('name="image[]"; filename="a"', PHOTO)), r"only 'image\[\]'$"),
        (PARTS, form(("name=file", PHOTO)), "only 'file'$"),
        (PARTS, form(*[(f"name={n}", b"") for n in "abcd"]), "only 'a', 'b', 'c'$"),
        (PARTS, form(), "a field 'b64'$"),
        (FORM, b"photo=abc", "only 'photo'$"),
        (FORM, b"n" * 300 + b"=abc", "only '" + "n" * 39 + "$"),
        ("multipart/form-data", form(("name=image", PHOTO)), "names no boundary"),
    ],
)
def test_a_form_without_a_photo_is_told_what_it_has(kind: str, body: bytes, message: str) -> None:
    """Most often the part has another name, or the Content-Type was set by hand."""
    with pytest.raises(InvalidImage, match=message) as refused:
        submitted(body, kind)
    assert refused.value.status == 400


def test_json_may_begin_with_a_byte_order_mark_and_escape_any_letter() -> None:
    """RFC 8259 lets a parser ignore the one, and strings have the other: PHP escapes each slash."""
    text = base64.b64encode(PHOTO).decode()
    dice = random.Random(1)
    escaped = "".join(f"\\u{ord(c):04x}" if dice.random() < 0.3 else c for c in text)
    lines = text.replace("A", "A\\r\\n")
    for value in (text, escaped, lines, "data:image\\/jpeg;base64," + escaped):
        plain = '{"im\\u0061ge": "%s", "species": "\\u0061ra-macao"}' % value  # noqa: UP031
        for body in (plain.encode(), plain.encode("utf-8-sig")):
            sent = submitted(body, JSON)
            assert sent.photos[0].data == PHOTO
            assert sent.fields == {"species": "ara-macao"}


def test_a_mark_before_a_change_of_label_is_ignored_too() -> None:
    """The same clients send both."""
    body = json.dumps({"species": "ara-macao"}).encode("utf-8-sig")
    assert fields(body) == {"species": "ara-macao"}


@pytest.mark.parametrize(
    "text", ["AAA\\ud83d\\ude00", "AAA\\u0130", 'AA\\"A', "AA\\\\A", "AAA😀\\/"]
)
def test_escapes_of_no_base64_are_refused(text: str) -> None:
    """One wide letter would make a text of 27 MB four times as large."""
    with pytest.raises(InvalidImage, match="not valid base64"):
        submitted(f'{{"image": "{text}"}}'.encode(), JSON)


def test_an_escape_that_json_does_not_know_is_not_json() -> None:
    """Whoever wrote it made the text by hand."""
    with pytest.raises((InvalidRequest, InvalidImage)):
        submitted(b'{"image": "AA\\xA"}', JSON)


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
