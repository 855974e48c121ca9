"""The Firestore emulator that comes with gcloud; nothing else of gcloud is used."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.supervisor import Part, Supervisor, free_port, listens

_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_READY_SECONDS = 60.0
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
    command = ["java", "-cp", str(jar), _MAIN, "--host", host, "--port", port]
    part = Part("firestore", command, f"http://{address}", lambda: listens(address))
    with Supervisor(folder) as supervisor:  # ends it however the tests end
        supervisor.start(part)
        supervisor.wait(part, _READY_SECONDS)
        yield address


def _jar() -> Path:
    gcloud, java = shutil.which("gcloud"), shutil.which("java")
    if gcloud is None or java is None:
        raise NotInstalledError("the Firestore emulator needs gcloud and java")
    platform = Path(gcloud).resolve().parent.parent / "platform"
    jar = platform / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    if not jar.is_file():
        raise NotInstalledError("install it: gcloud components install cloud-firestore-emulator")
    return jar
