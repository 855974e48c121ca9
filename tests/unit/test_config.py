"""Settings name every mistake at once and refuse what must not be deployed."""

import pytest

from parrot.config import Settings
from parrot.errors import BadConfig
from tests.support.settings import DEPLOYED, LOCAL


def test_without_more_saving_needs_a_login_and_no_bundle_is_pinned() -> None:
    """These are the safe defaults; classifying is open."""
    settings = Settings.from_env(LOCAL)
    assert not settings.allow_anonymous_save
    assert not settings.require_auth
    assert settings.model_auth == "none"
    assert settings.model_bucket == "b"
    assert (str(settings.sqlite_path), settings.firestore_database) == ("/tmp/x.db", None)  # noqa: S108
    assert settings.bundle_version is None


def test_a_receipt_says_that_an_account_is_gone_only_where_there_are_accounts() -> None:
    """Locally a name is no account, whatever DELETE_USERS says."""
    wanted = {**LOCAL, "DELETE_USERS": "true"}
    firebase = {"IDENTITY": "firebase", "GOOGLE_CLOUD_PROJECT": "p"}
    ends = [Settings.from_env(each).ends_accounts for each in (wanted, {**wanted, **firebase})]
    assert ends == [False, True]


def test_all_mistakes_are_named_at_once() -> None:
    """Each deployment takes minutes; one mistake per try would be slow."""
    with pytest.raises(BadConfig) as caught:
        Settings.from_env(
            {
                "BUCKET": " ",
                "OBSERVATIONS": "mysql:x",
                "REQUIRE_AUTH": "maybe",
                "MODEL_TIMEOUT_SECONDS": "soon",
                "MODEL_BUNDLE_SHA256": "abc",
            }
        )
    names = "MODEL_SERVER_URL OBSERVATIONS IDENTITY REQUIRE_AUTH MODEL_TIMEOUT_SECONDS"
    for name in ("BUCKET is not set", "MODEL_BUNDLE_SHA256", *names.split()):
        assert name in caught.value.detail


def test_origins_are_compared_as_browsers_write_them() -> None:
    """Copied from the address bar they end with a slash, which no browser sends."""
    origins = " https://App.example/ ,http://localhost:3000,*"
    settings = Settings.from_env({**LOCAL, "CORS_ORIGINS": origins})
    assert settings.cors_origins == ("https://app.example", "http://localhost:3000", "*")
    assert Settings.from_env(LOCAL).cors_origins == ("*",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"VERTEX_ENDPOINTS": "A=https://x.example/endpoints/1"},
            "one of MODEL_SERVER_URL and VERTEX_ENDPOINTS",
        ),
        ({"K_SERVICE": "classify"}, "IDENTITY=local"),  # it accepts any name in a token
        # A token of another project's user must not pass for one of ours.
        ({"OBSERVATIONS": "firestore"}, "GOOGLE_CLOUD_PROJECT"),
        ({"IDENTITY": "firebase"}, "GOOGLE_CLOUD_PROJECT"),
        ({"REQUIRE_APP_CHECK": "true"}, "GOOGLE_CLOUD_PROJECT"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    changes: dict[str, str], message: str
) -> None:
    """At the start, not at the first request that meets them."""
    with pytest.raises(BadConfig, match=message):
        Settings.from_env({**LOCAL, **changes})


@pytest.mark.parametrize("service", ["FIREBASE_AUTH", "FIRESTORE", "STORAGE", "FIREBASE_STORAGE"])
def test_an_emulator_is_refused_on_cloud_run(service: str) -> None:
    """The Auth emulator's variable alone would make forged tokens valid."""
    Settings.from_env(DEPLOYED)
    name = f"{service}_EMULATOR_HOST"
    for changes in ({}, {"FUNCTIONS_EMULATOR": "true"}):
        with pytest.raises(BadConfig, match=name):
            Settings.from_env({**DEPLOYED, name: "127.0.0.1:1", **changes})


def test_who_is_not_signed_in_is_limited_when_deployed_and_nowhere_else() -> None:
    """On a developer's machine every request comes from one address, without a proxy."""
    deployed, local = Settings.from_env(DEPLOYED), Settings.from_env(LOCAL)
    assert (deployed.classifications_per_address, deployed.trusted_proxies) == (60, 1)
    assert (local.classifications_per_address, local.trusted_proxies) == (0, 0)
    off = {**DEPLOYED, "CLASSIFICATIONS_PER_ADDRESS_PER_MINUTE": "0"}
    assert Settings.from_env(off).classifications_per_address == 0
    assert (deployed.cpu_seconds_per_caller, local.cpu_seconds_per_caller) == (30, 0)


def test_the_firebase_emulators_may_run_the_functions() -> None:
    """They set K_SERVICE as Cloud Run does, and emulators are what they are for."""
    emulated = {**DEPLOYED, "FUNCTIONS_EMULATOR": "true", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}
    del emulated["K_CONFIGURATION"]
    assert Settings.from_env(emulated).firestore_database == "(default)"


def test_a_database_that_is_named_is_the_one_in_use() -> None:
    """A restored backup takes the place of the one that was lost."""
    settings = Settings.from_env({**DEPLOYED, "OBSERVATIONS": "firestore:restored"})
    assert settings.firestore_database == "restored"


def test_a_short_secret_is_refused_and_never_shown() -> None:
    """It could be guessed; and settings may end up in a traceback."""
    for secret in ("tellnobody", f"{'tellnobody' * 4},tellnobody"):
        with pytest.raises(BadConfig, match="DOWNLOAD_SECRET") as caught:
            Settings.from_env({**LOCAL, "DOWNLOAD_SECRET": secret})
        assert "tellnobody" not in caught.value.detail
    settings = Settings.from_env({**LOCAL, "DOWNLOAD_SECRET": "tellnobody" * 4})
    assert "tellnobody" not in repr(settings)


def test_a_key_that_could_sign_no_receipt_is_refused_and_never_shown() -> None:
    """At the start: once everything of a person is gone it would be too late."""
    for key in ("ab" * 31, "ab" * 33, "xy" * 32):
        with pytest.raises(BadConfig, match="RECEIPT_KEY is not 64 hex digits") as caught:
            Settings.from_env({**LOCAL, "RECEIPT_KEY": key})
        assert key not in caught.value.detail
    assert Settings.from_env({**LOCAL, "RECEIPT_KEY": "ab" * 32}).receipt_key == b"\xab" * 32


def test_download_secrets_are_listed_newest_first() -> None:
    """To replace a secret, the new one is put first for an hour."""
    new, old = "n" * 32, "o" * 32
    settings = Settings.from_env({**LOCAL, "DOWNLOAD_SECRET": f"{new}, {old}"})
    assert settings.download_secrets == (new.encode(), old.encode())
    assert Settings.from_env(LOCAL).download_secrets == ()
