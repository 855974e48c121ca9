"""Settings with which a function starts: the fewest, as deployed, and of the running stack."""

import os

import psutil

from local import stack

LOCAL = {
    "BUCKET": "b",
    "MODEL_SERVER_URL": "http://127.0.0.1:8501",
    "OBSERVATIONS": "sqlite:/tmp/x.db",
    "IDENTITY": "local",
}
DEPLOYED = {
    **LOCAL,
    "OBSERVATIONS": "firestore",
    "IDENTITY": "firebase",
    "GOOGLE_CLOUD_PROJECT": "p",
    "K_SERVICE": "observations",
    "K_CONFIGURATION": "observations",
}


def environment_of(running: stack.Running) -> dict[str, str]:
    """The environment of the running functions."""
    environment = psutil.Process(running.pids["functions"]).environ()
    return {**environment, "PYTHONPATH": os.environ["PYTHONPATH"]}
