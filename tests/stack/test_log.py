"""What the log says about requests, and what it must never contain."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from local import stack
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem

UID, KEY, APP_CHECK = "uid-of-ana-7f3a", "idempotency-key-5c1d", "app-check-token-9b2e"
TRACE = "105445aa7843bc8bf206b12000100000"
ADDRESS, MAIL = "203.0.113.77", "ana@mail.example"
APP = "2.3.1"
CLASSIFY = ("POST", f"{BASE}/classify")
OURS = ("functions", "process", "storage-events")
Log = tuple[str, list[str], list[str]]


def photo() -> bytes:
    """With metadata that names its owner."""
    exif = Image.Exif()
    exif[0x010E] = MAIL  # ImageDescription
    return encoded(noise(320, 240), exif=exif)


def lines(text: str, message: str = "request") -> Iterator[dict[str, Any]]:
    """The lines of the log that are about requests, or about something else."""
    for line in text.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            if entry["message"] == message:
                yield entry


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, data: Path, shared_model: str) -> Log:
    """All logs of a run of all kinds of requests, that run's secrets, some answers' ids."""
    folder: Path = tmp_path_factory.mktemp("log")
    image = photo()
    with stack.running(folder, model_server=shared_model) as running:
        ana = Phone(running.url, UID)
        always = {
            "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
            "X-Firebase-AppCheck": APP_CHECK,
            "X-Forwarded-For": ADDRESS,
            "User-Agent": MAIL,
            "X-App-Version": APP,
        }

        def ask(method: str, path: str, **more: Any) -> requests.Response:
            return ana.ask(
                method, path, **{**more, "headers": {**always, **more.get("headers", {})}}
            )

        classify = f"{running.url}{BASE}/classify"
        ids = [
            requests.post(classify, data=body, headers=always, timeout=60).headers["X-Request-Id"]
            for body in (image, {"b64": base64.b64encode(image)}, image[:200])
        ]
        saved = ask(
            "POST", "/save?index=3", files={"image": image}, headers={"Idempotency-Key": KEY}
        ).json()
        settled = ana.settled(saved["id"])
        url = settled["files"]["image"]
        assert requests.get(url, headers=always, timeout=60).status_code == 200
        assert requests.get(f"{url}x", headers=always, timeout=60).status_code == 403
        path = f"/observations/{saved['id']}"
        form = {"b64": base64.b64encode(image), "index": "3"}
        refused = requests.post(f"{running.url}{BASE}/save", data=form, headers=always, timeout=60)
        assert_problem(refused, 401, "unauthenticated")  # as when deployed
        ask("PATCH", path, json={"species": "nestor-notabilis"})
        ask("PATCH", path, data=b"{broken", headers={"Content-Type": "application/json"})
        ask("GET", f"/observations?page_token={MAIL}")
        ask("GET", "/observations", headers={"Authorization": "Bearer broken-token-1e8f"})
        ask("DELETE", path)
    logs = [*(folder / "logs" / f"{part}.log" for part in OURS), data / "logs/model-server.log"]
    text = "".join(path.read_text("utf-8") for path in logs)
    secret = (folder / "download-secret").read_text("utf-8")
    token = url.partition("token=")[2]
    images = [base64.b64encode(image).decode()[:60], repr(image[:20])[2:-1]]
    return text, [secret, token, f"local:{UID}", UID, KEY, APP_CHECK, ADDRESS, MAIL,
                  "broken-token-1e8f", *images], ids  # fmt: skip


def test_no_line_of_any_log_holds_a_secret(log: Log) -> None:
    """Logs are read by more people than photos are, and are kept longer."""
    text, forbidden, _ = log
    assert len(list(lines(text))) > 12
    assert [secret for secret in forbidden if secret in text] == []


def test_each_request_is_one_line_that_tells_what_it_cost(log: Log) -> None:
    """One line is enough: the request, its result, the time of each step."""
    text, _, ids = log
    classified, first_version, refused = [  # three requests, so three lines
        line for line in lines(text) if (line["method"], line["path"]) == CLASSIFY
    ]
    assert classified["verdict"]["is_parrot"] in {True, False}
    assert {"decode", "model", "gate"} <= set(classified["timings"])
    assert classified["bundle"]
    assert classified["request_bytes"] <= classified["reserved_bytes"]
    assert classified["decode_bytes"] > 0
    assert classified["response_bytes"] > 0
    assert classified["logging.googleapis.com/trace"].endswith(f"/{TRACE}")
    assert [line["request_id"] for line in (classified, first_version, refused)] == ids
    assert len(set(ids)) == 3  # though all three belong to one trace
    assert first_version["request_bytes"] > classified["request_bytes"]
    assert (refused["status"], refused["code"]) == (422, "invalid_image")


def test_each_photo_has_a_line_of_measures_that_leads_to_nobody(log: Log) -> None:
    """Drift is looked for in these lines, and whoever reads them needs no more than that."""
    text, _, _ = log
    classified, saved = lines(text, "photo")  # what was seen before in the cache is not measured
    assert (classified["app"], saved["app"]) == (APP, "(saved)")
    for line in (classified, saved):
        measures = {"verdict", "reason", "names", "doubt", "brightness", "sharpness", "side"}
        assert line.keys() <= {"severity", "message", "app", "bundle", "distance", *measures}
        assert line["side"] == 240
        assert 0 <= line["doubt"] <= 1


def test_a_user_has_one_pseudonym_in_all_lines(log: Log) -> None:
    """Enough to trace one person's problem, not enough to identify them."""
    text, _, _ = log
    users = {
        line["user"] for line in lines(text) if "/observations/" in line["path"] and "user" in line
    }
    assert len(users) == 1
    outcomes = [line for line in lines(text) if line.get("outcome")]
    assert outcomes
    assert "user" not in outcomes[0]
