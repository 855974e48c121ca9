"""Observations that an older release wrote, rewritten in today's form by every store."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from google.cloud.firestore import DELETE_FIELD
from typer.testing import CliRunner

from models.cli import app
from models.data.migration import migrate
from parrot.adapters.firestore_documents import fields_of
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.documents import document, restored
from parrot.observation import FORM, Attempts, Label, Observation, Opinion
from parrot.records import Embedded
from parrot.review import handle
from parrot.sighting import Sighting
from parrot.store import ObservationStore
from tests.support.observations import NOW, observation, processed, verdict
from tests.support.processing import Counted, Killed, Steps, die
from tests.support.stores import fill, on_sqlite

# What documents had before reviewers, training, places, and the parts of the sweep's index.
SINCE = ("form", "attempts", "consent", "learnt_by", "opinions", "sighting", "lease", "embedded")
QUERIED = ("unfinished", "handle", "urgency", "reviewers")
WAITING, JUDGED = observation(1), processed(2, "0" * 16, "bea")
# Raise FORM and record its fields here when this no longer holds, or what was deployed before is
# not found by what asks for them.
FIELDS = {
    2: """attempts.count attempts.generation consent.at consent.given created derived.blurhash
    derived.height derived.image derived.phash derived.thumbnail derived.width duplicate_of
    embedded.distance embedded.space example_space form
    generation handle height id labels.at labels.index labels.species labels.text learnt_by lease
    listed media_type object_name opinions.at opinions.reviewer opinions.species quarters reason
    reviewers revision sha256 sighting.latitude sighting.longitude sighting.taken species space
    status uid unfinished updated urgency vector verdict.bundle verdict.is_parrot verdict.likely
    verdict.maybe verdict.model verdict.parrot_probability verdict.reason verdict.species
    verdict.species_probability width"""
}


@pytest.fixture
def old(store: ObservationStore) -> ObservationStore:
    """A store with three documents of today's and two of the first release's."""
    fill(store, [WAITING, JUDGED, *(observation(number, "cy") for number in (3, 4, 5))])
    for row in (WAITING, JUDGED):
        _age(store, row)
    return store


def _age(store: ObservationStore, row: Observation) -> None:
    if isinstance(store, SqliteObservations):
        with sqlite3.connect(vars(vars(store)["_file"])["_path"]) as db:
            gone = ", ".join(f"'$.{name}'" for name in SINCE)
            where = " WHERE uid = ? AND id = ?"
            change = f"UPDATE documents SET document = json_remove(document, {gone}){where}"  # noqa: S608 - our own names
            db.execute(change, (row.uid, row.id))
            db.execute(f"DELETE FROM reviews{where}", (row.uid, row.id))  # noqa: S608
        db.close()
        return
    document = vars(store)["_client"].document(f"users/{row.uid}/observations/{row.id}")
    document.update(dict.fromkeys((*SINCE, *QUERIED), DELETE_FIELD))


def _found(store: ObservationStore) -> tuple[bool, bool]:
    """Whether a reviewer finds the judged one, and the sweep the waiting one."""
    unfinished = store.unfinished(before=NOW + timedelta(days=1), limit=9)
    return (
        store.by_handle(handle(JUDGED.uid, JUDGED.id)) is not None,
        WAITING.id in [row.id for row in unfinished],
    )


def test_what_an_older_release_wrote_is_found_after_its_migration(old: ObservationStore) -> None:
    """Queries name fields that it did not write. A second run changes nothing."""
    assert not all(_found(old))
    assert sum(migrate(old, dry_run=True)) == 2
    assert not all(_found(old))
    assert sum(migrate(old)) == 2
    assert _found(old) == (True, True)
    assert {(row.form, row.revision) for row in old.everything()} == {(FORM, 1), (FORM, 2)}
    assert old.get(WAITING.uid, WAITING.id) == replace(WAITING, revision=2), "nothing else changed"
    before = sorted(old.everything(), key=lambda row: row.id)
    assert list(migrate(old)) == [False] * 5
    assert sorted(old.everything(), key=lambda row: row.id) == before


@on_sqlite
def test_what_others_write_while_it_runs_stays(
    old: ObservationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new label, a deletion, a new observation, each since the list was read."""
    rows = list(old.everything())
    by_id = {row.id: row for row in rows}
    labels = (*WAITING.labels, Label("amazona", None, NOW))
    assert old.replace(replace(by_id[WAITING.id], labels=labels))
    assert old.remove(by_id[JUDGED.id])
    monkeypatch.setattr(old, "everything", lambda: iter(rows))
    list(migrate(old))
    assert old.get(JUDGED.uid, JUDGED.id) is None
    assert old.get(WAITING.uid, WAITING.id) == replace(WAITING, labels=labels, revision=2)


def test_a_run_killed_after_any_call_is_completed_by_the_next(old: ObservationStore) -> None:
    """And nothing is written twice."""
    undisturbed = Steps()
    list(migrate(cast("ObservationStore", Counted(old, undisturbed))))
    assert undisturbed.count == 1 + 2 * len(("get", "replace"))
    for at in range(1, undisturbed.count + 1):
        for row in (WAITING, JUDGED):
            _age(old, row)
        with pytest.raises(Killed):
            list(migrate(cast("ObservationStore", Counted(old, Steps(at, die)))))
        list(migrate(old))
        assert _found(old) == (True, True), at
        rows = {row.id: row for row in old.everything()}
        assert [rows[row.id].revision for row in (WAITING, JUDGED)] == [2 + at, 2 + at]


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    """And what it would do."""
    store = SqliteObservations(tmp_path / "observations.db")
    fill(store, [WAITING, JUDGED])
    _age(store, WAITING)
    command = ["migrate", f"sqlite:{tmp_path / 'observations.db'}"]
    texts = [CliRunner().invoke(app, [*command, *more]).stdout for more in (["--dry-run"], [], [])]
    assert texts == [
        f"form {FORM}: 1 of 2 observations have an older form\n",
        f"form {FORM}: 1 of 2 observations were rewritten\n",
        f"form {FORM}: 0 of 2 observations were rewritten\n",
    ]


def test_what_a_newer_release_wrote_is_read_during_its_rollout() -> None:
    """Both run at once, and after a rollback: a reason that is not known here broke every list."""
    row = replace(processed(1, "0" * 16), verdict=verdict())
    newer = {**document(row), "form": FORM + 1, "since": {"then": 1}}
    newer["verdict"] |= {"reason": "too_far_away", "sounds": ["squawk"]}
    assert restored(newer) == replace(row, form=FORM + 1)


def test_a_changed_document_has_a_form_of_its_own() -> None:
    """Nothing else would tell what needs a migration."""
    row = replace(
        processed(1, "0" * 16),
        verdict=verdict("amazona"),
        attempts=Attempts("1", 1),
        opinions=(Opinion("rea", "amazona", NOW),),
        consent=Consent(given=True, at=NOW),
        sighting=Sighting(),
        embedded=Embedded("b", (1.0,), 1.0),
    )
    assert set(_names(fields_of(row))) == set(FIELDS[FORM].split())


def _names(fields: dict[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict):
            yield from (f"{name}.{each}" for each in inner)
        else:
            yield name
