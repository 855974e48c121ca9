"""Parts stop and start; the phones get a clear answer and nothing is lost."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from local import stack
from local.supervisor import Part, PartFailed, Supervisor
from models.folders import MODEL_FOLDER
from tests.support.phone import BASE, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem
from tests.support.serving import start, stop

PHOTO, OTHER_PHOTO = encoded(noise()), encoded(noise(seed=1))
PATIENCE_SECONDS = 20
UP = (str(stack.ROOT / "dev.sh"), "up", "--port", "0")


@pytest.fixture(scope="module")
def orphaned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Running]:
    """A stack that classified PHOTO before its model server was killed."""
    with stack.running(tmp_path_factory.mktemp("orphaned")) as running:
        classify = f"{running.url}{BASE}/classify"
        assert requests.post(classify, data=PHOTO, timeout=30).status_code == 200
        running.supervisor.kill("model server")
        yield running


def test_without_the_model_server_classify_says_so(orphaned: stack.Running) -> None:
    """The wait itself is the limit: a phone does not wait longer."""
    classify = f"{orphaned.url}{BASE}/classify"
    # What was answered before is still answered.
    assert requests.post(classify, data=PHOTO, timeout=PATIENCE_SECONDS).status_code == 200
    response = requests.post(classify, data=OTHER_PHOTO, timeout=PATIENCE_SECONDS)
    assert_problem(response, 503, "model_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert_problem(requests.get(classify, timeout=PATIENCE_SECONDS), 503, "model_unavailable")


def test_a_dead_model_server_holds_up_nobody(orphaned: stack.Running) -> None:
    """40 phones at once get their 503, and one can read observations beside them."""
    ana = Phone(orphaned.url, "ana")

    def ask(photo: bytes) -> int:
        url = f"{ana.url}{BASE}/classify"
        return requests.post(url, data=photo, timeout=PATIENCE_SECONDS).status_code

    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(ask, encoded(noise(seed=number))) for number in range(100, 140)]
        assert ana.get("/observations").status_code == 200
        assert {future.result() for future in asked} == {503}


def test_when_the_model_is_back_what_waited_is_processed(orphaned: stack.Running) -> None:
    """A deployment of the model must not need one of the functions, nor lose what was saved."""
    ben = Phone(orphaned.url, "ben")
    name = ben.save(45)
    time.sleep(0.5)
    assert ben.get(f"/observations/{name}").json()["status"] == "pending"
    port = int(orphaned.urls["model server"].rpartition(":")[2])
    again = start(MODEL_FOLDER, port)
    try:
        assert ben.settled(name)["status"] == "needs_review"
        answer = requests.post(f"{ben.url}{BASE}/classify", data=OTHER_PHOTO, timeout=30)
        assert answer.status_code == 200
    finally:
        stop(again)


def test_without_storage_a_save_says_so(orphaned: stack.Running) -> None:
    """A phone keeps its photo and tries again."""
    orphaned.supervisor.kill("storage")
    refused = Phone(orphaned.url, "cleo").ask("POST", "/save?index=1", data=OTHER_PHOTO)
    assert_problem(refused, 503, "store_unavailable")


def test_one_ctrl_c_ends_every_process(tmp_path: Path, shared_model: str) -> None:
    """Nothing may be left behind that holds a port or a file."""
    command = [*UP, "--data", str(tmp_path), "--model-server", shared_model]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ready: http://127.0.0.1:")
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 5
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_SECONDS)
    process.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


@pytest.mark.parametrize(
    ("program", "end"),
    [("raise SystemExit('no memory')", "ends with:\nno memory"), ("", "is empty")],
)
def test_the_end_of_a_parts_log_is_shown_or_said_to_be_empty(
    tmp_path: Path, program: str, end: str
) -> None:
    """A report that breaks off after "ends with:" looks cut short."""
    part = Part("part", [sys.executable, "-c", program], "http://127.0.0.1:1", lambda: False)
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part)
        with pytest.raises(PartFailed) as caught:
            supervisor.wait(part, timeout=60)
    assert str(caught.value).endswith(end)
