"""The Firestore emulator that comes with gcloud; nothing else of gcloud is used."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local.supervisor import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_READY_SECONDS = 60
HOST = "FIRESTORE_EMULATOR_HOST"


class NotInstalledError(Exception):
    """Says what is missing."""


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """HOST:PORT of an emulator: the one FIRESTORE_EMULATOR_HOST names, or one started here."""
    if HOST in os.environ:
        yield os.environ[HOST]
        return
    jar = _jar()
    address = f"127.0.0.1:{free_port()}"
    host, _, port = address.partition(":")
    with (folder / "firestore.log").open("wb") as log:
        process = subprocess.Popen(
            ["java", "-cp", str(jar), _MAIN, "--host", host, "--port", port],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, host, int(port))
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _jar() -> Path:
    gcloud, java = shutil.which("gcloud"), shutil.which("java")
    if gcloud is None or java is None:
        raise NotInstalledError("the Firestore emulator needs gcloud and java")
    platform = Path(gcloud).resolve().parent.parent / "platform"
    jar = platform / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    if not jar.is_file():
        raise NotInstalledError("install it: gcloud components install cloud-firestore-emulator")
    return jar


def _wait(process: subprocess.Popen[bytes], host: str, port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the Firestore emulator ended"
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the Firestore emulator does not answer")
