"""How versions come and go while the server runs, and how the server itself goes."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.model_server.conftest import PATIENCE_SECONDS, Serving, launch, ready_url, wait_until

A_FEW_POLLS_SECONDS = 1.0  # at five a second
CALL = {"instances": [0.0]}
OK, NOT_FOUND = 200, 404


Stage = Callable[[int], Path]
Publish = Callable[[str, int], Path]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Write half_plus_NUMBER out of the server's sight; its answer to CALL is its number."""
    from tests.model_server import fixture_models  # noqa: PLC0415 - it imports TensorFlow

    def stage_version(number: int) -> Path:
        fixture_models.write_affine(tmp_path / str(number), float(number))
        return tmp_path / str(number)

    return stage_version


@pytest.fixture
def publish(server: Serving, stage: Stage) -> Publish:
    """Put such a version in place at once, as a good publisher does."""

    def publish_version(model: str, number: int) -> Path:
        target = server.base / model / str(number)
        target.parent.mkdir(exist_ok=True)
        return stage(number).rename(target)

    return publish_version


def answer(server: Serving, model: str) -> float:
    """Ask for the number of the version that answers."""
    response = server.predict(model, CALL)
    assert response.status_code == OK, response.text
    (value,) = response.json()["predictions"]
    return float(value)


def test_a_new_model_is_found_and_a_new_version_replaces_the_old(
    server: Serving, publish: Publish
) -> None:
    """Without a restart; the old version is unloaded."""
    publish("growing", 1)
    server.wait_for("growing", {1: "AVAILABLE"})
    publish("growing", 3)
    server.wait_for("growing", {3: "AVAILABLE", 1: "END"})
    assert answer(server, "growing") == 3.0
    assert server.predict("growing/versions/1", CALL).status_code == NOT_FOUND
    publish("growing", 2)  # late, and older than what serves
    time.sleep(A_FEW_POLLS_SECONDS)
    assert server.states("growing") == {3: "AVAILABLE", 1: "END"}


def test_no_request_fails_while_versions_change(server: Serving, publish: Publish) -> None:
    """And no client gets the old version after the new one."""
    publish("busy", 1)
    server.wait_for("busy", {1: "AVAILABLE"})
    done = threading.Event()
    failures: list[str] = []
    seen: list[list[float]] = [[], [], []]

    def keep_asking(values: list[float]) -> None:
        with requests.Session() as session:
            while not done.is_set():
                url = f"{server.url}/v1/models/busy:predict"
                response = session.post(url, json=CALL, timeout=PATIENCE_SECONDS)
                if response.status_code != OK:
                    failures.append(response.text)
                    return
                values.append(response.json()["predictions"][0])

    def settled_at(number: int) -> bool:
        return bool(failures) or all(values and values[-1] == number for values in seen)

    clients = [threading.Thread(target=keep_asking, args=(values,)) for values in seen]
    for client in clients:
        client.start()
    try:
        for number in (2, 3):
            publish("busy", number)
            wait_until(partial(settled_at, number), f"every client to get {number}")
    finally:
        done.set()
        for client in clients:
            client.join()
    assert not failures
    for values in seen:
        assert values == sorted(values)
        assert set(values) == {1.0, 2.0, 3.0}


def test_a_request_under_way_finishes_on_the_version_it_began_with(
    server: Serving, stage: Stage
) -> None:
    """Meanwhile that version is UNLOADING, and END only afterwards."""
    from tests.model_server import fixture_models  # noqa: PLC0415 - it imports TensorFlow

    fixture_models.write_patient(server.base / "patient" / "1")
    server.wait_for("patient", {1: "AVAILABLE"})
    newer = stage(2)
    responses: list[requests.Response] = []
    slow = {"instances": [3.0]}
    thread = threading.Thread(
        target=lambda: responses.append(server.predict("patient/versions/1", slow))
    )
    thread.start()
    time.sleep(0.2)  # for it to arrive
    newer.rename(server.base / "patient" / "2")
    server.wait_for("patient", {2: "AVAILABLE", 1: "UNLOADING"})
    assert not responses
    assert answer(server, "patient") == 2.0
    thread.join()
    assert responses[0].json() == {"predictions": [3.0]}
    server.wait_for("patient", {2: "AVAILABLE", 1: "END"})


def test_a_half_written_version_waits_until_it_is_complete(
    server: Serving, publish: Publish, stage: Stage
) -> None:
    """A slow copy is not a broken model."""
    publish("copied", 1)
    server.wait_for("copied", {1: "AVAILABLE"})
    source = stage(2)
    target = server.base / "copied" / "2"
    graph = "saved_model.pb"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(graph))
    time.sleep(A_FEW_POLLS_SECONDS)
    assert server.states("copied") == {1: "AVAILABLE"}
    shutil.copy(source / graph, target / graph)
    server.wait_for("copied", {2: "AVAILABLE", 1: "END"})


@pytest.mark.parametrize("broken", ["saved_model.pb", "variables/variables.index"])
def test_a_broken_version_reports_its_error_and_the_old_one_stays(
    server: Serving, publish: Publish, stage: Stage, tmp_path: Path, broken: str
) -> None:
    """And it gets another chance when its files change."""
    model = f"broken_{Path(broken).suffix[1:]}"
    publish(model, 1)
    server.wait_for(model, {1: "AVAILABLE"})
    version = stage(2)
    bad = tmp_path / "bad"
    shutil.copytree(version, bad)
    (bad / broken).write_bytes(b"parrot")
    bad.rename(server.base / model / "2")
    server.wait_for(model, {2: "END", 1: "AVAILABLE"})
    (status,) = server.get(f"{model}/versions/2").json()["model_version_status"]
    assert status["status"]["error_code"] != "OK"
    assert status["status"]["error_message"]
    assert answer(server, model) == 1.0
    shutil.copy(version / broken, server.base / model / "2" / broken)
    server.wait_for(model, {2: "AVAILABLE", 1: "END"})
    assert answer(server, model) == 2.0


@pytest.mark.parametrize(
    ("model", "records", "state"),
    [
        ("warm", "one request", "AVAILABLE"),
        ("cold", "a request of another type", "END"),
        ("strange", "a request for another signature", "END"),
        ("icy", "a record that is not a request", "END"),
        ("snow", "bytes that are not records", "END"),
    ],
)
def test_a_version_has_to_answer_its_warm_up_requests(
    server: Serving, stage: Stage, model: str, records: str, state: str
) -> None:
    """As in TF Serving: a model that fails its own example is not fit to serve."""
    from tests.model_server import fixture_models  # noqa: PLC0415 - it imports TensorFlow

    version = stage(1)
    fixture_models.write_warm_up(version, records)
    (server.base / model).mkdir()
    version.rename(server.base / model / "1")
    server.wait_for(model, {1: state})


def test_a_deleted_version_is_unloaded(server: Serving, publish: Publish) -> None:
    """The folder decides what is served, even if it is empty."""
    publish("deleted", 1)
    server.wait_for("deleted", {1: "AVAILABLE"})
    publish("deleted", 2)
    server.wait_for("deleted", {2: "AVAILABLE", 1: "END"})
    shutil.rmtree(server.base / "deleted" / "2")
    server.wait_for("deleted", {2: "END", 1: "AVAILABLE"})
    assert answer(server, "deleted") == 1.0
    shutil.rmtree(server.base / "deleted")
    server.wait_for("deleted", {2: "END", 1: "END"})
    assert server.predict("deleted", CALL).status_code == NOT_FOUND


def test_a_signal_ends_the_server_cleanly(tmp_path: Path, stage: Stage) -> None:
    """Status 0, with a client's idle connection still open."""
    base = tmp_path / "base"
    (base / "ended").mkdir(parents=True)
    stage(1).rename(base / "ended" / "1")
    ends = {number: launch(base, "--poll-seconds=0") for number in (signal.SIGTERM, signal.SIGINT)}
    for number, process in ends.items():
        server = Serving(ready_url(process), base)
        assert server.states("ended") == {1: "AVAILABLE"}  # it was loaded before "ready"
        with requests.Session() as session:
            session.get(f"{server.url}/v1/models/ended", timeout=PATIENCE_SECONDS)
            process.send_signal(number)
            assert process.wait(PATIENCE_SECONDS) == 0
        with pytest.raises(requests.ConnectionError):
            server.get("ended")
