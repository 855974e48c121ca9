"""The functions with Firebase's users, as they are deployed, behind one port."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import stack
from local.supervisor import Part, Supervisor, free_url
from tests.support.firebase_tokens import PROJECT
from tests.support.waiting import PATIENCE_SECONDS


@contextmanager
def functions(folder: Path, **changes: str) -> Iterator[str]:
    """The functions as they are deployed, except for their environment."""
    root = free_url()
    url = f"{root}/parrot-classifier"
    environment = {
        "BUCKET": "b",
        "MODEL_SERVER_URL": "http://127.0.0.1:1",
        "OBSERVATIONS": f"sqlite:{folder / 'observations.db'}",
        "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1",
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "IDENTITY": "firebase",
        **changes,
    }
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", root.removeprefix("http://")),
        *("--threads", "4", "--log-level", "warning", "local.gateway:application()"),
    ]
    part = Part(
        "functions", command, url, lambda: stack.answers(f"{url}/errors"), environment, stack.ROOT
    )
    with Supervisor(folder) as supervisor:
        supervisor.start(part)
        supervisor.wait(part, PATIENCE_SECONDS)
        yield url


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
