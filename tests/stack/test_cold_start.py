"""Each function loads only what its answer needs: users wait for every import."""

import json
import sys
from pathlib import Path

from local import stack
from tests.support.commands import printed
from tests.support.photos import encoded, named, noise
from tests.support.settings import environment_of

# The first answer of a fresh process, and what it loaded for it.
_FIRST_ANSWER = """
import json, sys
import functions_framework
name, source, photo = sys.argv[1:]
function = functions_framework.create_app(target=name, source=source, signature_type="http")
client = function.test_client()
headers = {"Authorization": "Bearer local:cold-start", "Content-Type": "image/jpeg"}
if name == "observations":
    response = client.get("/", headers=headers)
else:
    body = open(photo, "rb").read()
    if name == "classify":
        del headers["Authorization"]  # so that no quota is counted
    response = client.post("/?species=nestor-notabilis", data=body, headers=headers)
print(json.dumps([response.status_code, sorted(sys.modules)]))
"""
_NEVER = {"sklearn", "joblib", "tensorflow", "firebase_admin", "google.cloud.firestore"}
_LATER = {"multipart", "msgspec", "pillow_heif"}  # only loaded for a form, JSON, a HEIC
# Cloud Storage's client (0.2 s) and its dependencies, which nothing else needs.
_CLIENTS = {"google.cloud.storage", "google.auth", "grpc", "requests", "cryptography"}


def first_answer(function: str, photo: Path, running: stack.Running) -> tuple[int, set[str]]:
    source = stack.ROOT / "functions" / function / "main.py"
    command = (sys.executable, "-c", _FIRST_ANSWER, function, source, photo)
    told = printed(*command, env=environment_of(running))
    status, modules = json.loads(told.splitlines()[-1])
    return status, set(modules)


def test_a_list_loads_no_photos_and_no_bucket(running: stack.Running, tmp_path: Path) -> None:
    """NumPy, Pillow and Cloud Storage's client take a quarter of a second."""
    status, modules = first_answer("observations", tmp_path, running)
    assert status == 200
    never = {*_NEVER, *_LATER, *_CLIENTS, "numpy", "PIL", "parrot.photo", "parrot.classify"}
    assert modules & never == set()


def test_a_save_loads_no_model(running: stack.Running, tmp_path: Path) -> None:
    """It looks a species up and measures a photo; classifying comes later, elsewhere."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(noise(64, 48, seed=98_765)))
    status, modules = first_answer("save", photo, running)
    assert status == 201
    unused = {"numpy", "circuitbreaker", "pybase64", "parrot.classify", "parrot.model.heads"}
    assert modules & {*_NEVER, *_LATER, *unused} == set()


def test_a_classification_loads_no_stores(running: stack.Running, photos: Path) -> None:
    """Only where quotas are counted does it need the observations' store."""
    galah = named(photos / "parrots" / "galah")[0]
    status, modules = first_answer("classify", galah, running)
    assert status == 200
    stores = {"parrot.adapters.sqlite", "parrot.adapters.firestore", "parrot.observations"}
    never = {*_NEVER, *_LATER, *stores, "parrot.save", "parrot.process"}
    assert modules & never == set()
