"""How versions come and go while the server runs, and how the server itself goes."""

import importlib
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from tests.serving.conftest import Serving, refused
from tests.support.serving import PATIENCE_SECONDS, launch, ready_url

A_FEW_POLLS_SECONDS = 0.6  # at five a second
CALL = {"instances": [0.0]}

Stage = Callable[[int], Path]
Publish = Callable[[str, int], None]


@pytest.fixture(scope="module")
def writer() -> Any:
    """The module that writes models: it imports TensorFlow."""
    return importlib.import_module("tests.serving.fixture_models")


@pytest.fixture
def stage(tmp_path: Path, writer: Any) -> Stage:
    """Write a version out of the server's sight; its answer to CALL is its number."""

    def stage_version(number: int) -> Path:
        writer.write_numbered(tmp_path / str(number))
        return tmp_path / str(number)

    return stage_version


@pytest.fixture
def publish(server: Serving, stage: Stage) -> Publish:
    """Put such a version in place at once, as a good publisher does, and wait for it."""

    def publish_version(model: str, number: int) -> None:
        (server.base / model).mkdir(exist_ok=True)
        stage(number).rename(server.base / model / str(number))
        ended = {version: "END" for version in server.states(model) if version != number}
        server.wait_for(model, {number: "AVAILABLE", **ended})

    return publish_version


def test_the_folder_decides_which_version_is_served(
    server: Serving, publish: Publish, stage: Stage
) -> None:
    """Without a restart: a newer version replaces the old one until it is deleted."""
    publish("growing", 1)
    publish("growing", 3)
    assert server.rows("growing", [0.0]) == [3.0]
    refused(server.predict("growing/versions/1", CALL), 404)
    stage(2).rename(server.base / "growing" / "2")  # late, and older than what serves
    time.sleep(A_FEW_POLLS_SECONDS)
    assert server.states("growing") == {3: "AVAILABLE", 1: "END"}
    shutil.rmtree(server.base / "growing" / "3")
    server.wait_for("growing", {3: "END", 2: "AVAILABLE", 1: "END"})
    assert server.rows("growing", [0.0]) == [2.0]
    shutil.rmtree(server.base / "growing")
    server.wait_for("growing", {3: "END", 2: "END", 1: "END"})
    refused(server.predict("growing", CALL), 404)


def test_no_request_fails_while_versions_change(server: Serving, publish: Publish) -> None:
    """And no client gets the old version after the new one."""
    publish("busy", 1)
    done = Event()

    def keep_asking() -> list[float]:
        values: list[float] = []
        with requests.Session() as session:
            while not done.is_set():
                url = f"{server.url}/v1/models/busy:predict"
                response = session.post(url, json=CALL, timeout=PATIENCE_SECONDS)
                response.raise_for_status()
                values += response.json()["predictions"]
        return values

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(keep_asking) for _ in range(3)]
        try:
            for number in (2, 3):
                time.sleep(A_FEW_POLLS_SECONDS)
                publish("busy", number)
            time.sleep(A_FEW_POLLS_SECONDS)
        finally:
            done.set()
    for client in clients:
        assert client.result() == sorted(client.result())
        assert set(client.result()) == {1.0, 2.0, 3.0}


def test_a_request_under_way_finishes_on_the_version_it_began_with(
    server: Serving, publish: Publish, writer: Any
) -> None:
    """Though the next one answers meanwhile."""
    writer.write_patient(server.base / "patient" / "1")
    server.wait_for("patient", {1: "AVAILABLE"})
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(server.rows, "patient/versions/1", [3.0])
        publish("patient", 2)
        assert not slow.done()
        assert server.rows("patient", [0.0]) == [2.0]
    assert slow.result() == [3.0]


def test_a_half_written_version_waits_until_it_is_complete(
    server: Serving, publish: Publish, stage: Stage
) -> None:
    """A slow copy is not a broken model."""
    publish("copied", 1)
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
    version = stage(2)
    bad = shutil.copytree(version, tmp_path / "bad")
    (bad / broken).write_bytes(b"parrot")
    bad.rename(server.base / model / "2")
    server.wait_for(model, {2: "END", 1: "AVAILABLE"})
    (status,) = server.get(f"{model}/versions/2").json()["model_version_status"]
    assert status["status"]["error_code"] != "OK"
    assert status["status"]["error_message"]
    assert server.rows(model, [0.0]) == [1.0]
    shutil.copy(version / broken, server.base / model / "2" / broken)
    server.wait_for(model, {2: "AVAILABLE", 1: "END"})
    assert server.rows(model, [0.0]) == [2.0]


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ("one request", "AVAILABLE"),
        ("a request of another type", "END"),
        ("bytes that are not records", "END"),
    ],
)
def test_a_version_has_to_answer_its_warm_up_requests(
    server: Serving, stage: Stage, writer: Any, records: str, state: str
) -> None:
    """As in TF Serving: a model that fails its own example is not fit to serve."""
    version, model = stage(1), records.replace(" ", "-")
    writer.write_warm_up(version, records)
    (server.base / model).mkdir()
    version.rename(server.base / model / "1")
    server.wait_for(model, {1: state})


def test_a_signal_ends_the_server_cleanly(tmp_path: Path, stage: Stage) -> None:
    """Status 0 with a client's idle connection still open; every other server here gets SIGTERM."""
    (tmp_path / "base" / "ended").mkdir(parents=True)
    stage(1).rename(tmp_path / "base" / "ended" / "1")
    process = launch(tmp_path / "base", "--poll-seconds=0")
    server = Serving(ready_url(process), tmp_path)
    assert server.states("ended") == {1: "AVAILABLE"}  # it was loaded before "ready"
    with requests.Session() as session:
        session.get(f"{server.url}/v1/models/ended", timeout=PATIENCE_SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
    with pytest.raises(requests.ConnectionError):
        server.get("ended")
