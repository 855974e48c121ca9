"""Which deployment an operator's command works on."""

import re
from pathlib import Path

import pytest

from models.data import stores
from parrot.consent import Training
from parrot.errors import BadConfig


def test_an_operators_command_knows_what_was_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their shell has none of the functions' settings; the job's environment does."""
    settings = tmp_path / "deploy.env"
    settings.write_text("# TRAINING=granted\nPROJECT=p\nTRAINING='off'  # nobody asked\n")
    monkeypatch.setattr(stores, "DEPLOY_ENV", settings)
    monkeypatch.delenv("TRAINING", raising=False)
    assert stores.training("firestore:p") is Training.OFF
    assert stores.training("sqlite:x.db") is Training.ASK, "the local stack is not that deployment"
    monkeypatch.setenv("TRAINING", "granted")
    assert stores.training("firestore:p") is Training.GRANTED


def test_a_database_that_is_named_is_the_one_that_commands_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Forgetting someone in the default database would remove nothing, and sign a receipt."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    for where, database in (("firestore:p/d", "d"), ("firestore:p", "(default)")):
        client = vars(stores.observations(where))["_client"]
        assert (client.project, client._database) == ("p", database)  # noqa: SLF001


def test_a_wrong_limit_is_named_before_a_photo_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the functions do; Python's own words about it name no variable."""
    monkeypatch.setenv("MAX_PHOTO_PIXELS", "many")
    with pytest.raises(BadConfig, match="MAX_PHOTO_PIXELS='many'"):
        stores.decoder()


def test_the_photos_of_a_project_need_no_setting_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The login of a person does not, and Google's client refuses to begin without one."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    assert stores.storage("firestore:p/d").project == "p"


def test_the_photos_beside_a_local_store_need_its_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are served only while it is up; the message says how to start it."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    with pytest.raises(ValueError, match=re.escape(f"./dev.sh up --data {tmp_path}")):
        stores.storage(f"sqlite:{tmp_path / 'observations.db'}")
