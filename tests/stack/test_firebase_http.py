"""The functions as they are deployed, with Firebase's users."""

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from google.cloud.firestore import Client

from local.supervisor import free_port
from parrot.adapters.firestore import FirestoreObservations
from tests.support.deployed import bearer, functions
from tests.support.firebase_tokens import AUTH_EMULATOR, signed, unsigned
from tests.support.observations import observation
from tests.support.problems import assert_problem


def test_over_http_a_token_that_cannot_be_checked_is_a_503(tmp_path: Path) -> None:
    """Neither accepted nor refused: Google's certificates cannot be fetched through this proxy."""
    nowhere = {"HTTPS_PROXY": f"http://127.0.0.1:{free_port()}", "NO_PROXY": ""}
    with functions(tmp_path, **nowhere) as url:
        response = requests.get(f"{url}/observations", headers=bearer(signed()), timeout=30)
        assert_problem(response, 503, "identity_unavailable")
        assert int(response.headers["Retry-After"]) > 0
        response = requests.get(f"{url}/observations", headers=bearer(unsigned()), timeout=30)
        assert_problem(response, 401, "unauthenticated")


def test_over_http_every_call_needs_app_check_if_it_is_required(tmp_path: Path) -> None:
    """A bot can make an account in no time, but it does not have the app.

    The keys for that are public: it needs no credentials, even where sessions are looked up.
    """
    required = {"REQUIRE_APP_CHECK": "true", "CHECK_REVOKED": "true", "NO_GCE_CHECK": "true"}
    with functions(tmp_path, **required, **{AUTH_EMULATOR: f"127.0.0.1:{free_port()}"}) as url:
        for method, path in (
            ("POST", "classify"),
            ("POST", "save"),
            ("GET", "observations"),
            ("GET", "observations/x"),
            ("PATCH", "observations/x"),
            ("DELETE", "observations/x"),
            ("GET", "observations/x/original"),
        ):
            for given in ({}, {"X-Firebase-AppCheck": "garbage"}):
                headers = {**bearer(unsigned()), **given}
                response = requests.request(method, f"{url}/{path}", headers=headers, timeout=30)
                assert_problem(response, 401, "unauthenticated")


def test_over_http_with_firestore_a_user_sees_their_observations(
    tmp_path: Path, firestore: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As deployed: Firebase's users, Firestore's observations."""
    client = firestore()
    store = FirestoreObservations(client)
    for number in range(3):
        store.create(observation(number, seconds=number))
    monkeypatch.setenv(AUTH_EMULATOR, f"127.0.0.1:{free_port()}")
    issuer = f"https://securetoken.google.com/{client.project}"
    ana, bea = (bearer(unsigned(sub=sub, aud=client.project, iss=issuer)) for sub in ("ana", "bea"))
    with functions(tmp_path, OBSERVATIONS="firestore", GOOGLE_CLOUD_PROJECT=client.project) as url:
        query: dict[str, str | int] = {"page_size": 2}
        first = requests.get(f"{url}/observations", query, headers=ana, timeout=30).json()
        query["page_token"] = first["next_page_token"]
        rest = requests.get(f"{url}/observations", query, headers=ana, timeout=30).json()
        ids = [item["id"] for page in (first, rest) for item in page["observations"]]
        assert ids == ["id-00000", "id-00001", "id-00002"]
        assert requests.get(f"{url}/observations/id-00001", headers=ana, timeout=30).ok
        response = requests.get(f"{url}/observations/id-00001", headers=bea, timeout=30)
        assert_problem(response, 404, "not_found")
