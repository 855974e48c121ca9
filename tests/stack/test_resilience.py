"""Parts stop and start; the phones get a clear answer and nothing is lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from local import stack
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem
from tests.support.serving import start, stop

if TYPE_CHECKING:
    from pathlib import Path

    from local.supervisor import Part

PHOTO, OTHER_PHOTO = encoded(noise()), encoded(noise(seed=1))
PATIENCE_SECONDS = 20


def test_without_the_model_server_classify_says_so_and_recovers_by_itself(tmp_path: Path) -> None:
    """Deploying the model must not require redeploying functions."""
    with stack.running(tmp_path) as running:
        classify = f"{running.url}/parrot-classifier/classify"
        assert requests.post(classify, data=PHOTO, timeout=30).status_code == 200
        (url, pid) = next((url, pid) for name, url, pid in running.parts if name == "model server")
        os.killpg(pid, signal.SIGTERM)
        for part, code in _wait_for_end(running):
            assert (part.name, code) == ("model server", 0)
        # What was answered before is still answered.
        assert requests.post(classify, data=PHOTO, timeout=2).status_code == 200
        # The wait itself is the limit: a phone does not wait longer.
        response = requests.post(classify, data=OTHER_PHOTO, timeout=2)
        assert_problem(response, 503, "model_unavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert_problem(requests.get(classify, timeout=2), 503, "model_unavailable")
        again = start(stack.MODELS, int(url.rpartition(":")[2]))
        try:
            assert requests.post(classify, data=OTHER_PHOTO, timeout=30).status_code == 200
        finally:
            stop(again)


def test_a_dead_model_server_does_not_delay_others(tmp_path: Path) -> None:
    """40 phones at once get their 503, and reading observations takes no longer for it.

    What 40 requests take that ask no model server is not its fault: a busy machine is slower.
    """
    ana = {"Authorization": "Bearer local:ana"}
    with stack.running(tmp_path) as running:
        classify = f"{running.url}/parrot-classifier/classify"
        observations = f"{running.url}/parrot-classifier/observations"
        requests.get(observations, headers=ana, timeout=30)
        running.supervisor.kill("model server")
        photos = [encoded(noise(seed=number)) for number in range(40)]

        def ask(photo: bytes) -> tuple[int, float]:
            started = time.monotonic()
            answer = requests.post(classify, data=photo, timeout=30)
            return answer.status_code, time.monotonic() - started

        with ThreadPoolExecutor(len(photos)) as pool:
            refused = list(pool.map(ask, [b"<html>"] * len(photos)))
        usual = max(seconds for _, seconds in refused)

        for _ in range(2):
            with ThreadPoolExecutor(len(photos)) as pool:
                asked = [pool.submit(ask, photo) for photo in photos]
                started = time.monotonic()
                assert requests.get(observations, headers=ana, timeout=30).status_code == 200
                reading = time.monotonic() - started
                answers = [future.result() for future in asked]
            assert {status for status, _ in answers} == {503}
            assert max(seconds for _, seconds in answers) < usual + 2
            assert reading < usual + 1


def test_saved_photos_survive_a_restart(tmp_path: Path, shared_model: str) -> None:
    """All state is in the data folder."""
    headers = {"Authorization": "Bearer local:ana"}
    for status in (201, 200):
        with stack.running(tmp_path, model_server=shared_model) as running:
            save = f"{running.url}/parrot-classifier/save"
            response = requests.post(f"{save}?index=1", data=PHOTO, headers=headers, timeout=30)
            assert response.status_code == status
            (storage,) = [url for name, url, _ in running.parts if name == "storage"]
            bucket = stack.storage_client(storage).bucket(stack.BUCKET)
            blob = bucket.blob(f"photos/ana/{response.json()['id']}")
            assert blob.download_as_bytes() == PHOTO


def test_a_save_that_died_before_its_upload_is_completed_by_the_next_try(
    tmp_path: Path, shared_model: str
) -> None:
    """The observation is there, the photo is not: the phone's retry must bring it."""
    headers = {"Authorization": "Bearer local:ana"}
    with stack.running(tmp_path, model_server=shared_model) as running:
        save = f"{running.url}/parrot-classifier/save?index=1"
        (storage,) = [url for name, url, _ in running.parts if name == "storage"]
        bucket = stack.storage_client(storage).bucket(stack.BUCKET)
        saved = requests.post(save, data=PHOTO, headers=headers, timeout=30).json()
        bucket.blob(f"photos/ana/{saved['id']}").delete()
        assert requests.post(save, data=PHOTO, headers=headers, timeout=30).status_code == 200
        assert bucket.blob(f"photos/ana/{saved['id']}").download_as_bytes() == PHOTO


def test_without_storage_a_save_says_so(tmp_path: Path, shared_model: str) -> None:
    """The phone keeps the photo and tries again."""
    with stack.running(tmp_path, model_server=shared_model) as running:
        (pid,) = [pid for name, _, pid in running.parts if name == "storage"]
        save = f"{running.url}/parrot-classifier/save?index=1"
        # The bundle is read once, at the first request; after that only the upload needs storage.
        assert requests.post(save, data=PHOTO, timeout=30).status_code == 201
        os.killpg(pid, signal.SIGTERM)
        _wait_for_end(running)
        response = requests.post(save, data=encoded(noise(seed=2)), timeout=60)
        assert_problem(response, 503, "store_unavailable")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_every_process(tmp_path: Path, number: signal.Signals) -> None:
    """Nothing may be left behind that holds a port or a file."""
    import psutil  # noqa: PLC0415

    process = subprocess.Popen(
        [str(stack.ROOT / "dev.sh"), "up", "--port", "0", "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready: http://127.0.0.1:")
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 3
    process.send_signal(number)
    process.wait(PATIENCE_SECONDS)
    process.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def test_a_port_in_use_is_reported_at_once(tmp_path: Path) -> None:
    """Otherwise one stack would print `ready:` and another would answer."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = [str(stack.ROOT / "dev.sh"), "up", "--port", port, "--data", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"127.0.0.1:{port}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_killed_stack_leaves_no_part_running(tmp_path: Path) -> None:
    """The next one would find its port taken, or two would write to one folder."""
    import psutil  # noqa: PLC0415

    command = [str(stack.ROOT / "dev.sh"), "up", "--port", "0", "--data", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ready: http://127.0.0.1:")
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 6
    process.kill()
    process.wait(PATIENCE_SECONDS)
    process.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
    assert alive == []


def _wait_for_end(running: stack.Running) -> list[tuple[Part, int]]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if ended := running.supervisor.ended():
            return ended
        time.sleep(0.05)
    raise AssertionError("no part ended")
