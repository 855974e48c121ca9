"""Photos that look alike, as every store finds them by their hashes."""

import random
from dataclasses import replace

from parrot.observation import Status
from parrot.store import ObservationStore
from tests.support.observations import observation, processed
from tests.support.stores import fill


def test_observations_that_name_an_original_are_found(store: ObservationStore) -> None:
    """Whatever they look like by now, and whatever state they are in."""
    marked = replace(observation(2), duplicate_of="id-00001", status=Status.DELETING)
    twin = replace(processed(3, "f" * 16), duplicate_of="id-00001")
    other = replace(observation(4), duplicate_of="id-00002")
    theirs = replace(observation(5, "bea"), duplicate_of="id-00001")
    fill(store, [observation(1), marked, twin, other, theirs])
    assert store.duplicates_of("ana", "id-00001") == (marked, twin)
    assert store.duplicates_of("ana", "id-00009") == ()
    store.replace(replace(twin, duplicate_of=None))
    assert store.duplicates_of("ana", "id-00001") == (marked,)


def test_similar_finds_every_hash_within_three_bits_and_no_other(store: ObservationStore) -> None:
    """Whichever bits differ: three of them leave one of four quarters alone."""
    base = 0x0123456789ABCDEF
    chance = random.Random(2)
    hashes = {}
    for number, bits in enumerate([0, 1, 2, 3, 3, 3, 3, 4, 5, 16]):
        flipped = sum(1 << bit for bit in chance.sample(range(64), bits))
        hashes[f"id-{number:05}"] = (bits, f"{base ^ flipped:016x}")
    fill(store, [processed(int(name[3:]), phash) for name, (_, phash) in hashes.items()])
    store.create(observation(99))  # not processed yet
    listed = store.similar("ana", {f"{base:016x}"})
    assert {item.id for item in listed} == {name for name, (bits, _) in hashes.items() if bits <= 3}


def test_many_hashes_are_looked_up_together(store: ObservationStore) -> None:
    """Two hundred without a common quarter: more than one Firestore query can hold."""
    hashes = [f"{number:04x}" * 4 for number in range(200)]
    fill(store, [processed(number, phash) for number, phash in enumerate(hashes)])
    listed = store.similar("ana", hashes[:150])
    assert [item.id for item in listed] == [f"id-{number:05}" for number in range(150)]
    assert store.similar("ana", []) == ()


def test_a_changed_hash_is_found_by_its_new_value_only(store: ObservationStore) -> None:
    """A photo that was replaced by another upload."""
    store.create(processed(1, "0" * 16))
    store.replace(processed(1, "f" * 16))
    assert store.similar("ana", {"0" * 16}) == ()
    assert len(store.similar("ana", {"f" * 16})) == 1
