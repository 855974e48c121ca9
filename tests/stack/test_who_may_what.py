"""Who may ask what: every call of the description, by everybody."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from google.cloud.storage import Bucket

from local.samples import MACAW
from local.stack import DEFAULT_BUNDLE, MODEL_BUCKET, ROOT
from local.supervisor import free_port
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.observation import Observation, Status
from parrot.review import handle
from tests.support.deployed import bearer, functions
from tests.support.firebase_tokens import AUTH_EMULATOR, unsigned
from tests.support.observations import NOW, derived, processed, verdict
from tests.support.problems import assert_problem
from tests.support.scripted_http import Request, ScriptedAnswer, json_answer, serving

WHO = ("nobody", "owner", "another user", "reviewer", "revoked reviewer")
REVOKED = "rex"
NEVER = 4102444800  # 2100: every token of theirs is older than the end of their sessions
PHOTO: dict[str, Any] = {"data": MACAW.read_bytes(), "headers": {"Content-Type": "image/jpeg"}}
REVIEW: dict[str, Any] = {"json": {"species": "nestor-notabilis"}}


@dataclass(frozen=True)
class Row:
    """Statuses in the order of WHO."""

    statuses: tuple[int, int, int, int, int]
    request: dict[str, Any] = field(default_factory=dict)


EVERYBODY, OWN = (200, 200, 200, 200, 401), (401, 200, 200, 200, 401)
OWNER, REVIEWER = (401, 200, 404, 404, 401), (401, 403, 403, 200, 401)
PUBLIC = ("getReadiness", "listSpecies")
ROWS = {
    "classify": Row(EVERYBODY, PHOTO),
    "getReadiness": Row((200, 200, 200, 200, 200)),
    "listSpecies": Row((200, 200, 200, 200, 200)),
    "savePhoto": Row((401, 201, 201, 201, 401), {**PHOTO, "params": {"index": "1"}}),
    "listObservations": Row(OWN),
    "getObservation": Row(OWNER),
    "listSimilarObservations": Row(OWNER),
    "updateObservation": Row(OWNER, {"json": {"species": "ara-ararauna"}}),
    "deleteObservation": Row((401, 204, 404, 404, 401)),
    "getPhoto": Row(OWNER),
    "getMe": Row(OWN),
    "exportMe": Row(OWN),
    "deleteMe": Row(OWN),
    "listReviews": Row(REVIEWER),
    "getReviewSummary": Row(REVIEWER),
    "decideReview": Row(REVIEWER, REVIEW),
    "getReviewImage": Row(REVIEWER),
}


def operations() -> dict[str, tuple[str, str]]:
    """Method and path of each call of the description."""
    described = json.loads((ROOT / "public" / "openapi.json").read_text())
    return {
        call["operationId"]: (method.upper(), path)
        for path, item in described["paths"].items()
        for method, call in item.items()
        if method != "parameters"
    }


@dataclass(frozen=True)
class World:
    """Where it runs, and what the owner has."""

    url: str
    store: SqliteObservations
    bucket: Bucket

    def keep(self, uid: str) -> Observation:
        """A photo of theirs on which person and model disagree, for reviewers to settle."""
        row = replace(
            processed(1, "0" * 16, uid),
            status=Status.NEEDS_REVIEW,
            verdict=verdict("eolophus-roseicapilla"),
            consent=Consent(given=True, at=NOW),
        )
        for name in (row.object_name, derived("").image):
            self.bucket.blob(name).upload_from_string(MACAW.read_bytes(), "image/jpeg")
        return self.store.create(row)[0]


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, bucket: Bucket, storage_url: str, shared_model: str
) -> Iterator[World]:
    """The functions as they are deployed, with a bucket whose events nobody gets."""
    folder = tmp_path_factory.mktemp("who")
    own = bucket.client.create_bucket("who-may-what")
    environment = {
        "BUCKET": own.name,
        "STORAGE_EMULATOR_HOST": storage_url,
        "MODEL_SERVER_URL": shared_model,
        "MODEL_BUCKET": MODEL_BUCKET,
        "MODEL_BUNDLE": json.loads((DEFAULT_BUNDLE / "manifest.json").read_text())["version"],
        "CHECK_REVOKED": "true",
    }
    with (
        serving(_firebase) as firebase,
        functions(folder, **environment, **{AUTH_EMULATOR: firebase.address}) as url,
    ):
        store = SqliteObservations(folder / "observations.db")
        yield World(url.removesuffix("/parrot-classifier"), store, own)


def _firebase(request: Request) -> ScriptedAnswer:
    """Everybody's sessions are valid but the revoked one's."""
    (uid,) = request.json()["localId"]
    ended = str(NEVER if uid == REVOKED else 1)
    return json_answer({"users": [{"localId": uid, "validSince": ended, "disabled": False}]})


def test_every_call_has_a_row() -> None:
    """A new one is open to whoever its author did not think of."""
    assert operations().keys() == ROWS.keys()


@pytest.mark.parametrize("operation", ROWS)
def test_each_call_answers_those_who_may_and_tells_others_nothing(
    world: World, operation: str
) -> None:
    """Who is refused changes nothing either, and does not learn whose it is."""
    owner = f"owner-{operation}"
    kept = world.keep(owner)
    tokens = {
        "owner": unsigned(sub=owner),
        "another user": unsigned(sub="bea"),
        "reviewer": unsigned(sub="ray", reviewer=True),
        "revoked reviewer": unsigned(sub=REVOKED, reviewer=True),
    }
    row, (method, path) = ROWS[operation], operations()[operation]
    name = handle(owner, kept.id) if "/reviews/" in path else kept.id
    url = world.url + path.replace("{id}", name).replace("{file}", "image")
    for who, status in sorted(zip(WHO, row.statuses, strict=True), key=lambda one: -one[1]):
        headers = {**row.request.get("headers", {})}
        if who in tokens:
            headers |= bearer(tokens[who])
        answer = requests.request(method, url, timeout=60, **{**row.request, "headers": headers})
        if status < 400:
            assert answer.status_code == status, (who, answer.text[:300])
            continue
        code = {401: "unauthenticated", 403: "forbidden", 404: "not_found"}[status]
        assert_problem(answer, status, code)
        assert owner not in answer.text
        assert who != "revoked reviewer" or "sign in again" in answer.text
        assert world.store.get(owner, kept.id) == kept, who


def test_every_call_needs_app_check_where_it_is_required(tmp_path: Path) -> None:
    """A bot can make an account in no time, but it does not have the app.

    The keys for that are public: it needs no credentials, even where sessions are looked up.
    """
    required = {"REQUIRE_APP_CHECK": "true", "CHECK_REVOKED": "true", "NO_GCE_CHECK": "true"}
    with functions(tmp_path, **required, **{AUTH_EMULATOR: f"127.0.0.1:{free_port()}"}) as url:
        root = url.removesuffix("/parrot-classifier")
        for method, path in (call for name, call in operations().items() if name not in PUBLIC):
            whole = root + path.replace("{id}", "0" * 32).replace("{file}", "original")
            for given in ({}, {"X-Firebase-AppCheck": "garbage"}):
                headers = {**bearer(unsigned()), **given}
                answer = requests.request(method, whole, headers=headers, timeout=30)
                assert_problem(answer, 401, "unauthenticated")
