"""Settings name every mistake at once and refuse what must not be deployed."""

from __future__ import annotations

import pytest

from parrot.config import Settings
from parrot.errors import BadConfig

LOCAL = {
    "BUCKET": "b",
    "MODEL_SERVER_URL": "http://127.0.0.1:8501",
    "OBSERVATIONS": "sqlite:/tmp/x.db",
    "IDENTITY": "local",
}


def test_defaults_are_safe() -> None:
    """Nothing is open unless someone said so."""
    settings = Settings.from_env(LOCAL)
    assert not settings.allow_anonymous_save
    assert settings.model_auth == "none"
    assert settings.model_bucket == "b"
    assert settings.bundle is None


def test_a_private_model_server_gets_a_token() -> None:
    """Cloud Run speaks https and asks for one."""
    url = "https://models.example"
    assert Settings.from_env({**LOCAL, "MODEL_SERVER_URL": url}).model_auth == "id-token"


def test_all_mistakes_are_named_at_once() -> None:
    """Each deployment takes minutes; one mistake a try is cruel."""
    with pytest.raises(BadConfig) as caught:
        Settings.from_env(
            {
                "OBSERVATIONS": "mysql:x",
                "REQUIRE_AUTH": "maybe",
                "MODEL_TIMEOUT_SECONDS": "soon",
                "MODEL_BUNDLE_SHA256": "abc",
            }
        )
    for name in (
        "BUCKET",
        "MODEL_SERVER_URL",
        "OBSERVATIONS",
        "IDENTITY",
        "REQUIRE_AUTH",
        "MODEL_TIMEOUT_SECONDS",
        "MODEL_BUNDLE_SHA256",
    ):
        assert name in caught.value.detail


def test_one_model_server_not_two() -> None:
    """Which one would it be?"""
    with pytest.raises(BadConfig, match="one of MODEL_SERVER_URL and VERTEX_ENDPOINTS"):
        Settings.from_env({**LOCAL, "VERTEX_ENDPOINTS": "A=https://x.example/endpoints/1"})


def test_the_local_identity_does_not_start_on_cloud_run() -> None:
    """It believes whatever name a token says."""
    with pytest.raises(BadConfig, match="IDENTITY=local"):
        Settings.from_env({**LOCAL, "K_SERVICE": "classify"})
