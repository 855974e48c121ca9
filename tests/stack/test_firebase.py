"""Firebase's tokens, verified by firebase-admin itself; only the certificates come from here."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import firebase_admin
import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from firebase_admin import _token_gen, app_check
from jwt.algorithms import RSAAlgorithm

from local import stack
from local.supervisor import free_port
from parrot.adapters.firebase import FirebaseAppCheck, FirebaseIdentity, FirebaseUsers, connect
from parrot.adapters.firestore import FirestoreObservations
from parrot.errors import IdentityUnavailable, Unauthenticated
from tests.support.observations import observation
from tests.support.problems import assert_problem
from tests.support.scripted_http import json_answer, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from google.cloud.firestore import Client

PROJECT = "demo-parrot"
AUTH_EMULATOR = "FIREBASE_AUTH_EMULATOR_HOST"
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "sub": "ana",
        "iat": now - 5,
        "exp": now + 3600,
        "auth_time": now - 5,
        **changes,
    }


def unsigned(**changes: Any) -> str:
    """A token as the Auth emulator issues it."""
    head = {"alg": "none", "typ": "JWT"}
    parts = (json.dumps(part).encode() for part in (head, claims(**changes)))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def signed(key: rsa.RSAPrivateKey = KEY, kid: str = "one", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="RS256", headers={"kid": kid})


def app_token(key: rsa.RSAPrivateKey = KEY, kid: str = "one", **changes: Any) -> str:
    app = {
        "iss": "https://firebaseappcheck.googleapis.com/123",
        "aud": ["projects/123", f"projects/{PROJECT}"],
        "sub": "1:123:android:abc",
    }
    return jwt.encode(claims(**{**app, **changes}), key, algorithm="RS256", headers={"kid": kid})


def certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@contextmanager
def published(body: object) -> Iterator[str]:
    """A URL that answers with this JSON, as Google's certificate URLs do."""
    with serving(lambda _request: json_answer(body)) as server:
        yield f"{server.url}/"


@pytest.fixture(autouse=True)
def _forget_apps() -> Iterator[None]:
    """firebase-admin keeps its apps forever."""
    yield
    for app in list(firebase_admin._apps.values()):  # noqa: SLF001 - there is no list of them
        firebase_admin.delete_app(app)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirebaseIdentity]:
    """With a certificate for KEY where Google's would be."""
    monkeypatch.delenv(AUTH_EMULATOR, raising=False)
    with published({"one": certificate()}) as url:
        monkeypatch.setattr(_token_gen, "ID_TOKEN_CERT_URI", url)
        yield FirebaseIdentity(connect(PROJECT, credentialed=False), check_revoked=False)


@pytest.fixture
def app_checker(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirebaseAppCheck]:
    """With KEY among the keys where Google's would be."""
    key = {**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "one", "use": "sig"}
    with published({"keys": [key]}) as url:
        monkeypatch.setattr(app_check._AppCheckService, "_JWKS_URL", url)  # noqa: SLF001
        yield FirebaseAppCheck(connect(PROJECT, credentialed=False))


def test_a_signed_token_identifies_its_user(identity: FirebaseIdentity) -> None:
    """RS256 against the published certificate."""
    assert identity.user(signed()).uid == "ana"


def test_only_a_true_claim_makes_a_reviewer(identity: FirebaseIdentity) -> None:
    """An operator sets it; a text that a mistake left there must not open other people's photos."""
    for claim, reviews in ((True, True), (False, False), ("true", False), (None, False)):
        assert identity.user(signed(reviewer=claim)).reviewer is reviews


def test_every_other_token_is_refused_in_our_own_words(identity: FirebaseIdentity) -> None:
    """The vendor's sentences quote tokens."""
    for token in (
        signed(OTHER_KEY),
        signed(kid="two"),
        signed(exp=int(time.time()) - 3600, iat=int(time.time()) - 7200),
        signed(iat=int(time.time()) + 3600),
        signed(aud="another-project"),
        signed(iss="https://securetoken.google.com/another-project"),
        signed(sub=""),
        signed(sub="x" * 129),
        signed(sub="../ben"),
        signed(sub="a/b"),
        signed(sub="anonymous"),
        signed(sub=7),
        unsigned(),
        jwt.encode(claims(), "x" * 32, algorithm="HS256", headers={"kid": "one"}),
        "garbage",
        "a.b.c",
        "..",
        "",
        "é",
    ):
        with pytest.raises(Unauthenticated) as caught:
            identity.user(token)
        assert not token or token not in caught.value.detail


@pytest.mark.parametrize("ahead", [1, 5, 50])
def test_a_token_of_a_faster_clock_is_accepted(
    identity: FirebaseIdentity, app_checker: FirebaseAppCheck, ahead: int
) -> None:
    """Phones use a token in the very second in which it was issued."""
    issued = int(time.time()) + ahead
    assert identity.user(signed(iat=issued, auth_time=issued)).uid == "ana"
    app_checker.check(app_token(iat=issued))


def test_a_token_of_tomorrow_is_refused(
    identity: FirebaseIdentity, app_checker: FirebaseAppCheck
) -> None:
    """The tolerance is a minute."""
    issued = int(time.time()) + 70
    with pytest.raises(Unauthenticated):
        identity.user(signed(iat=issued))
    with pytest.raises(Unauthenticated):
        app_checker.check(app_token(iat=issued))


def test_the_tolerance_prolongs_no_token(
    identity: FirebaseIdentity, app_checker: FirebaseAppCheck
) -> None:
    """It is for tokens that were just issued."""
    ended = int(time.time()) - 2
    with pytest.raises(Unauthenticated, match="expired"):
        identity.user(signed(exp=ended, iat=ended - 3600))
    with pytest.raises(Unauthenticated):
        app_checker.check(app_token(exp=ended, iat=ended - 3600))


def test_an_expired_token_says_so(identity: FirebaseIdentity) -> None:
    """The phone then gets a new one and asks again."""
    with pytest.raises(Unauthenticated, match="expired"):
        identity.user(signed(exp=int(time.time()) - 60, iat=int(time.time()) - 7200))


def test_the_emulators_tokens_are_accepted_if_the_emulator_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even with nobody listening there, so `config` refuses the variable on Cloud Run."""
    monkeypatch.setenv(AUTH_EMULATOR, f"127.0.0.1:{free_port()}")
    identity = FirebaseIdentity(connect(PROJECT, credentialed=False), check_revoked=False)
    assert identity.user(unsigned()).uid == "ana"
    for token in (unsigned(aud="another-project"), unsigned(sub="a/b"), "garbage"):
        with pytest.raises(Unauthenticated):
            identity.user(token)


def test_an_unreachable_firebase_is_not_a_revocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor is it a pass."""
    monkeypatch.setenv(AUTH_EMULATOR, f"127.0.0.1:{free_port()}")
    identity = FirebaseIdentity(connect(PROJECT, credentialed=False), check_revoked=True)
    with pytest.raises(IdentityUnavailable):
        identity.user(unsigned())


def test_nobody_becomes_a_reviewer_whom_firebase_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An operator who mistypes a uid gets a sentence."""
    users = [{"localId": "ana", "customAttributes": '{"beta": true}'}]
    with serving(lambda _request: json_answer({"users": users, "localId": "ana"})) as firebase:
        monkeypatch.setenv(AUTH_EMULATOR, firebase.address)
        desk = FirebaseUsers(connect(PROJECT, credentialed=False))
        desk.let_review("ana", allowed=True)
        changed = json.loads(json.loads(firebase.requests[1].body)["customAttributes"])
        assert changed == {"beta": True, "reviewer": True}
        users.clear()
        with pytest.raises(ValueError, match="No user record found"):
            desk.let_review("anna", allowed=True)


def test_an_app_check_token_of_this_project_passes(app_checker: FirebaseAppCheck) -> None:
    """The app's attestation, not the user's."""
    app_checker.check(app_token())


def test_every_other_app_check_token_is_refused(app_checker: FirebaseAppCheck) -> None:
    """firebase-admin raises three kinds of errors here."""
    for token in (
        app_token(OTHER_KEY),
        app_token(kid="two"),
        app_token(exp=int(time.time()) - 60),
        app_token(aud=["projects/456"]),
        app_token(iss="https://example.com/"),
        signed(),
        "garbage",
        "a.b.c",
    ):
        with pytest.raises(Unauthenticated):
            app_checker.check(token)


def test_without_app_checks_keys_nobody_is_refused_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """503, as for the users."""
    url = f"http://127.0.0.1:{free_port()}/"
    monkeypatch.setattr(app_check._AppCheckService, "_JWKS_URL", url)  # noqa: SLF001
    with pytest.raises(IdentityUnavailable):
        FirebaseAppCheck(connect(PROJECT, credentialed=False)).check(app_token())


@contextmanager
def functions(tmp_path: Path, **changes: str) -> Iterator[str]:
    """The functions as they are deployed, except for their environment."""
    port = free_port()
    environment = {
        **os.environ,
        "BUCKET": "b",
        "MODEL_SERVER_URL": "http://127.0.0.1:1",
        "OBSERVATIONS": f"sqlite:{tmp_path / 'observations.db'}",
        "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1",
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "IDENTITY": "firebase",
        **changes,
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4"),
            *("--log-level", "warning", "local.gateway:application()"),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=stack.ROOT,
    )
    url = f"http://127.0.0.1:{port}/parrot-classifier"
    try:
        _wait(f"{url}/observations")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            requests.options(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the functions do not answer")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_over_http_a_token_that_cannot_be_checked_is_a_503(tmp_path: Path) -> None:
    """Neither accepted nor refused: Google's certificates cannot be fetched through this proxy."""
    nowhere = {"HTTPS_PROXY": f"http://127.0.0.1:{free_port()}", "NO_PROXY": ""}
    with functions(tmp_path, **nowhere) as url:
        response = requests.get(f"{url}/observations", headers=bearer(signed()), timeout=30)
        assert_problem(response, 503, "identity_unavailable")
        assert int(response.headers["Retry-After"]) > 0
        response = requests.get(f"{url}/observations", headers=bearer(unsigned()), timeout=30)
        assert_problem(response, 401, "unauthenticated")


def test_over_http_a_session_that_is_ended_is_refused_from_then_on(tmp_path: Path) -> None:
    """A stolen phone: its token would be good for another hour."""
    known = {"localId": "ana", "validSince": "1", "disabled": False}
    with serving(lambda _request: json_answer({"users": [known]})) as firebase:
        environment = {"CHECK_REVOKED": "true", AUTH_EMULATOR: firebase.address}
        with functions(tmp_path, **environment) as url:
            ana = bearer(unsigned())
            assert requests.get(f"{url}/observations", headers=ana, timeout=30).status_code == 200
            known["validSince"] = str(int(time.time()) + 1)
            response = requests.get(f"{url}/observations", headers=ana, timeout=30)
            assert_problem(response, 401, "unauthenticated")
            assert "sign in again" in response.json()["detail"]


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
