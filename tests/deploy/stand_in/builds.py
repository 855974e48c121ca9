"""Images, and the builds that make them."""

import json
import re
from pathlib import Path

from kinds import create, delete, describe
from state import Call, CloudState, Handler, StandInError


def _build(state: CloudState, call: Call) -> None:
    """The images that a config names: functions from their folders, or the model server."""
    folder = Path(call.name)
    if not call.flags["gcs-source-staging-dir"].startswith("gs://demo-parrot-models/"):
        raise StandInError("the default bucket for sources is in the US, and keeps them for ever")
    if substitutions := call.flags.get("substitutions"):
        image, base = re.fullmatch(r"_IMAGE=(.*),_BASE=(.*)", substitutions).groups()
        if "/parrot-hub/" not in base:
            raise StandInError("Docker Hub: toomanyrequests")
        names = [image]
        bundles = _learnt_from(folder) if base.startswith("PYTHON=") else _served(folder)
    else:
        config = Path(call.flags["config"]).read_text()
        for name in re.findall(r"dir: (\w+)", config):
            if not (folder / name / "main.py").is_file():
                raise StandInError(f"there is no function in {name}")
        names = re.findall(r"images: \[(.*)\]", config)[0].split(",")
        bundles, base = [], ""
    for name in names:
        built = {"image_summary": {"digest": "sha256:1"}, "bundles": bundles, "base": base}
        state.kind("images")[name] = built


def _served(folder: Path) -> list[str]:
    """Versions of the bundles whose models a folder for the model server holds."""
    if not (folder / "models.config").is_file():
        raise StandInError("the build's folder holds no model")
    words = map(Path, (folder / "models.config").read_text().split())
    return [_version(word) for word in words if (word / "manifest.json").is_file()]


def _learnt_from(folder: Path) -> list[str]:
    """Version of the bundle that a folder for the learning job begins with."""
    for name in ("Dockerfile", "requirements.txt", "models/__main__.py", "shared/parrot/store.py"):
        if not (folder / name).is_file():
            raise StandInError(f"the build's folder holds no {name}")
    return [_version(folder / "bundle")]


def _version(bundle: Path) -> str:
    """Copies from the bucket are empty, so their folder's name tells."""
    text = (bundle / "manifest.json").read_text()
    return str(json.loads(text)["version"]) if text.startswith("{") else bundle.name


def _repository_delete(state: CloudState, call: Call) -> None:
    delete("repositories")(state, call)
    for name in tuple(state.kind("images")):
        if f"/{call.name}/" in name:
            del state.kind("images")[name]


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("artifacts", "repositories", "describe"): describe("repositories"),
    ("artifacts", "repositories", "create"): create("repositories"),
    ("artifacts", "repositories", "set-cleanup-policies"): lambda state, call: state.get(
        "repositories", call.name
    ).update(cleanupPolicies={"keep": {}}),
    ("artifacts", "docker", "images", "describe"): describe("images"),
    ("builds", "submit"): _build,
    ("artifacts", "repositories", "delete"): _repository_delete,
}
