"""Storage's events: photos, other objects, and broken ones."""

import uuid
from typing import Any

import pytest
from cloudevents.conversion import to_binary, to_structured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parrot.errors import InvalidRequest
from parrot.events import received, stored_photo
from parrot.observation import UID
from tests.support.events import ID, event


def test_a_saved_photo_is_read_whole() -> None:
    """Only which photo it is: the bucket knows the rest better."""
    stored = stored_photo(event())
    assert stored is not None
    assert (stored.bucket, stored.name, stored.uid, stored.id) == (
        "b",
        f"photos/ana/{ID}",
        "ana",
        ID,
    )
    assert stored.generation == 1795399912250572


def test_integers_come_as_strings_or_numbers() -> None:
    """Eventarc and the emulators differ."""
    assert stored_photo(event(generation=17)) == stored_photo(event(generation="17"))


def test_other_objects_are_no_photos() -> None:
    """Above all its own output: it would trigger itself forever."""
    for name in (
        *(f"derived/ana/{ID}/image.webp", "bundles/current.json", "11/20261122.jpg"),
        *(f"photos/ana/{ID}/image.webp", f"photos//{ID}", "photos/ana/", "photos/ana"),
        *(f"photos/../{ID}", f"photos/__ana__/{ID}", f"photos/{'u' * 129}/{ID}"),
        *(f"/photos/ana/{ID}", f"Photos/ana/{ID}"),
    ):
        assert stored_photo(event(name=name)) is None, name


MALFORMED: dict[str, tuple[Any, ...]] = {
    "name": (None, "", 7, "photos/ana/\ud800"),
    "bucket": (None,),
    "generation": (None, "-1", "²", True, "1.5"),
}


def test_a_malformed_event_says_what_is_wrong() -> None:
    """It is logged and acknowledged: a redelivery would be just as malformed."""
    for field, values in MALFORMED.items():
        for value in values:
            with pytest.raises(InvalidRequest, match=field):
                stored_photo(event(**{field: value}))
    for data in (b"\xff", "text", [1], 3):  # no object at all
        with pytest.raises(InvalidRequest):
            stored_photo(event(data))


def test_a_name_that_is_not_a_uuid_always_gets_the_same_one() -> None:
    """The Firebase SDK's uploads have any name; a redelivery must find the same observation."""
    first, again, other = (
        stored_photo(event(name=f"photos/ana/{name}")) for name in ("my bird.jpg",) * 2 + ("b",)
    )
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id != other.id
    assert str(uuid.UUID(first.id)) == first.id


def test_capital_letters_do_not_make_two_photos_one() -> None:
    """Some phones write UUIDs in capitals, and object names are case-sensitive."""
    upper = stored_photo(event(name=f"photos/ana/{ID.upper()}"))
    assert upper is not None
    assert upper.id not in {ID, ID.upper()}


def test_what_else_an_event_says_changes_nothing() -> None:
    """It may be forged or out of date: a wrong size must not reject a good photo."""
    for changes in (
        {"size": "1.5"},
        {"size": 2**70},
        {"timeCreated": "yesterday"},
        {"timeCreated": "0001-01-01T00:00:00+01:00"},
        {"contentType": 7},
        {"metadata": ["species"]},
    ):
        assert stored_photo(event(**changes)) == stored_photo(event()), changes


@pytest.mark.parametrize("mode", [to_structured, to_binary])
def test_an_event_arrives_in_either_mode(mode: Any) -> None:
    """Eventarc sends the one, the local stack the other."""
    headers, body = mode(event())
    assert stored_photo(received(headers, body)) == stored_photo(event())


STRUCTURED = {"Content-Type": "application/cloudevents+json"}


def test_what_is_not_an_event_is_refused_without_quoting_it() -> None:
    """The sender's token is among the headers, and the answer may be logged anywhere."""
    cases: tuple[tuple[dict[str, str], bytes], ...] = (
        ({}, b""),
        ({"Content-Type": "text/html"}, b"<html>"),
        ({"Content-Type": "application/json"}, b"{}"),
        (STRUCTURED, b"\xff"),
        (STRUCTURED, b"[]"),
        (STRUCTURED, b'{"specversion": "7"}'),
        (STRUCTURED, b"[" * 100_000),
        ({"ce-specversion": "1.0", "ce-type": "t", "ce-id": "1"}, b"{}"),
        ({"ce-specversion": "9", "ce-type": "t", "ce-id": "1", "ce-source": "s"}, b"{}"),
    )
    for headers, body in cases:
        with pytest.raises(InvalidRequest) as refusal:
            received({"Authorization": "Bearer secret", **headers}, body)
        assert refusal.value.detail == "the request is not a CloudEvent"


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # its first run builds tables
@given(
    data=st.fixed_dictionaries(
        {},
        optional={
            "bucket": json,
            "name": json | st.from_regex(r"\A(photos|derived)/[^/]+(/.+)?\Z"),
            "generation": json | st.from_regex(r"\A\d+\Z"),
        },
    )
)
def test_every_event_is_about_a_photo_or_another_object_or_is_malformed(data: Any) -> None:
    """Anything else would be retried for a day."""
    try:
        stored = stored_photo(event(data))
    except InvalidRequest:
        return
    if stored is not None:
        assert stored.name.startswith(f"photos/{stored.uid}/")
        assert UID.fullmatch(stored.uid)
        assert str(uuid.UUID(stored.id)) == stored.id
