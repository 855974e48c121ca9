"""The functions with Firebase's users, as they are deployed, behind one port."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import stack
from local.supervisor import free_port
from tests.support.firebase_tokens import PROJECT
from tests.support.waiting import until


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
        until(lambda: stack.answers(f"{url}/errors"), "the functions")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
