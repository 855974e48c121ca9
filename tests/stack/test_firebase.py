"""Firebase's tokens, verified by firebase-admin itself; only the certificates come from here."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import firebase_admin
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from firebase_admin import _token_gen, app_check
from jwt.algorithms import RSAAlgorithm

from local.supervisor import free_port
from parrot.adapters.firebase import FirebaseAppCheck, FirebaseIdentity, FirebaseUsers, connect
from parrot.errors import IdentityUnavailable, Unauthenticated
from tests.support.firebase_tokens import (
    AUTH_EMULATOR,
    KEY,
    OTHER_KEY,
    PROJECT,
    app_token,
    claims,
    signed,
    unsigned,
)
from tests.support.scripted_http import json_answer, serving


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


def test_only_a_true_claim_makes_a_reviewer(identity: FirebaseIdentity) -> None:
    """An operator sets it; a text that a mistake left there must not open other people's photos."""
    for claim, reviews in ((True, True), (False, False), ("true", False), (None, False)):
        assert identity.user(signed(reviewer=claim)).reviewer is reviews


def test_every_other_token_is_refused_in_our_own_words(identity: FirebaseIdentity) -> None:
    """The vendor's sentences quote tokens."""
    for token in (
        signed(OTHER_KEY),
        signed(kid="two"),
        signed(exp=int(time.time()) - 2, iat=int(time.time()) - 3600),  # nothing prolongs it
        signed(iat=int(time.time()) + 70),  # the tolerance is a minute
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


def test_a_token_of_a_faster_clock_is_accepted(
    identity: FirebaseIdentity, app_checker: FirebaseAppCheck
) -> None:
    """Phones use a token in the very second in which it was issued."""
    issued = int(time.time()) + 50
    assert identity.user(signed(iat=issued, auth_time=issued)).uid == "ana"
    app_checker.check(app_token(iat=issued))


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


def test_an_unreachable_firebase_is_not_a_revocation(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_every_other_app_check_token_is_refused(app_checker: FirebaseAppCheck) -> None:
    """firebase-admin raises three kinds of errors here."""
    for token in (
        app_token(OTHER_KEY),
        app_token(kid="two"),
        app_token(exp=int(time.time()) - 2, iat=int(time.time()) - 3600),
        app_token(iat=int(time.time()) + 70),
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
