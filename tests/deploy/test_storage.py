"""The steps that touch storage, for real: gcloud and the publisher, on a storage server."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack
from local.supervisor import Supervisor, free_url
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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The local stack's storage server, without a bucket."""
    part = stack._storage(free_url(), tmp_path / "server", "http://127.0.0.1:1")  # noqa: SLF001
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start(part)
        supervisor.wait(part, timeout=30)
        yield part.url


@pytest.fixture
def real_storage(project: Project, server: str, tmp_path: Path) -> Project:
    """The stand-in's project, with that server for its storage."""
    tools = tmp_path / "bin"
    (tools / "stand-in").mkdir()
    shim = (tools / "gcloud").rename(tools / "stand-in" / "gcloud")
    words = {
        "url": server,
        "root": ROOT,
        "python": sys.executable,
        "gcloud": shutil.which("gcloud"),
        "config": tmp_path / "config",
        "shim": shim,
    }
    (project.root / "dev.sh").unlink()
    for path, text in ((tools / "gcloud", _GCLOUD), (project.root / "dev.sh", _DEV)):
        path.write_text(text.format(**words))
        path.chmod(0o755)
    return project


def test_buckets_bundle_and_image_are_made_on_a_storage_server(
    real_storage: Project, server: str, deployed: str
) -> None:
    """The real gcloud takes our lifecycle and CORS files; what is published can be read."""
    project, client = real_storage, stack.storage_client(server)
    before = json.loads(deployed)
    for kind in ("services", "images", "objects"):
        before.pop(kind)
    project.control("reset", json.dumps(before))
    project.done(*_PLACE, "storage")
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
