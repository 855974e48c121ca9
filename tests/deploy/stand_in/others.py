"""Vertex AI, Firebase, curl and the project's own dev.sh."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import run_services
from kinds import describe
from state import Call, CloudState, Handler, StandInError


def _upload(state: CloudState, call: Call) -> None:
    name = call.flags.get("model-id") or call.flags["parent-model"].rpartition("/")[2]
    state.kind("models").setdefault(name, {"name": name, "displayName": call.flags["display-name"]})
    state.create("models", f"{name}@{call.flags['version-aliases']}", dict(call.flags))


def _endpoint_create(state: CloudState, call: Call) -> None:
    endpoint = {"displayName": call.flags["display-name"], "deployedModels": [], "trafficSplit": {}}
    state.create("endpoints", call.flags["endpoint-id"], endpoint)


def _deploy_model(state: CloudState, call: Call) -> None:
    endpoint = state.get("endpoints", call.name)
    state.get("models", call.flags["model"])
    new = call.flags["deployed-model-id"]
    endpoint["deployedModels"].append({"id": new})
    _split(endpoint, call.flags["traffic-split"].replace("0=", f"{new}=", 1))


def _split(endpoint: dict[str, Any], text: str) -> None:
    split = {name: int(share) for name, share in (pair.split("=") for pair in text.split(","))}
    known = {model["id"] for model in endpoint["deployedModels"]}
    if sum(split.values()) != 100 or split.keys() - known:
        raise StandInError(f"INVALID_ARGUMENT: traffic split {split} of {known}")
    endpoint["trafficSplit"] = split


def _endpoint_update(state: CloudState, call: Call) -> None:
    _split(state.get("endpoints", call.name), call.flags["traffic-split"])


def _firebase_deploy(state: CloudState, call: Call) -> None:
    config = Path(_after(call, "--config"))
    hosting = json.loads(config.read_text())["hosting"]
    if _after(call, "--only") == "hosting":
        if "DEFAULT_SITE" not in {site["type"] for site in state.kind("sites").values()}:
            raise StandInError("Unable to deploy to Hosting as there is no Hosting site.")
        state.get("sites", hosting["site"])
        if not (config.parent / "public/vendor/auth.js").is_file():
            raise StandInError("nobody could sign in on this page: ./dev.sh sdk comes first")
    what = _after(call, "--only")
    if what == "firestore":
        database = json.loads(config.read_text())["firestore"]["database"]
        state.get("databases", database)
        state.kind("ttls")[database] = [{"name": "quotas/fields/expires"}]
    files = {
        path.relative_to(config.parent).as_posix(): _md5(path.read_bytes())
        for path in sorted(config.parent.rglob("*"))
        if path.is_file()
    }
    state.kind("firebase")[what] = files
    if what == "hosting":
        state.kind("live")["release"] = (config.parent / "public/release.txt").read_text().strip()


def _hosting_disable(state: CloudState, call: Call) -> None:
    state.get("sites", _after(call, "--site"))
    state.kind("live").clear()


def _undeploy(state: CloudState, call: Call) -> None:
    endpoint = state.get("endpoints", call.name)
    gone = call.flags["deployed-model-id"]
    endpoint["deployedModels"] = [m for m in endpoint["deployedModels"] if m["id"] != gone]


def _model_delete(state: CloudState, call: Call) -> None:
    for name in tuple(state.kind("models")):
        if name.partition("@")[0] == call.name:
            del state.kind("models")[name]


def _site(state: CloudState, call: Call) -> None:
    kind = "DEFAULT_SITE" if call.name == "demo-parrot" else "USER_SITE"
    site = {"name": f"projects/demo-parrot/sites/{call.name}", "type": kind}
    state.create("sites", call.name, site)


def _sites(state: CloudState, _call: Call) -> str:
    found = {"status": "success", "result": {"sites": list(state.kind("sites").values())}}
    return json.dumps(found, indent=2)


def _after(call: Call, flag: str) -> str:
    return call.rest[call.rest.index(flag) + 1]


def _curl(state: CloudState, call: Call) -> str:
    """The links of buckets to Firebase, pages, and the functions' answers."""
    url = next(word for word in call.rest if word.startswith("https://"))
    if url.endswith(":addFirebase"):
        state.kind("linked")[url.removesuffix(":addFirebase")] = {}
        return ""
    if "/v1beta/" in url:
        state.get("linked", url)
        return "{}"
    if url.endswith(":listCollectionIds"):
        found = state.kind("documents").get(url.split("/")[-2], [])
        return json.dumps({"collectionIds": found} if found else {}, indent=2)
    if url.endswith("/release.txt"):
        return str(state.get("live", "release"))
    if url.endswith(".web.app/"):
        return "200" if state.kind("live") else "404"
    answer = run_services.answer(state, call.rest)
    if answer is not None and "--output" in call.rest:
        Path(_after(call, "--output")).write_text(answer[1])
        return answer[0]
    raise StandInError(f"404 {url}")


def _publish(state: CloudState, call: Call) -> None:
    manifest = Path(_after(call, "--bundle")) / "manifest.json"
    version = json.loads(manifest.read_bytes())["version"]
    name = f"{_after(call, '--to')}/bundles/{version}/manifest.json"
    state.kind("objects")[name] = {"md5_hash": _md5(manifest.read_bytes())}


def _image(_state: CloudState, call: Call) -> None:
    bundles = [call.rest[at + 1] for at, word in enumerate(call.rest) if word == "--bundle"]
    folder = Path(call.rest[0])
    for bundle in bundles:
        if not (Path(bundle) / "manifest.json").is_file():
            raise StandInError(f"there is no bundle in {bundle}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.config").write_text("\n".join(bundles))


def _sdk(_state: CloudState, call: Call) -> None:
    vendor = Path(call.name) / "public/vendor"
    vendor.mkdir(exist_ok=True)
    (vendor / "auth.js").touch()


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("curl",): _curl,
    ("help",): lambda _state, _call: "",
    ("firebase", "--version"): lambda _state, _call: "15.0.0",
    ("dev.sh", "sdk"): _sdk,
    ("dev.sh", "models", "publish"): _publish,
    ("dev.sh", "models", "image"): _image,
    ("firebase", "projects:list"): lambda state, _call: json.dumps(
        [{"projectId": name} for name in state.kind("firebase_projects")], indent=1
    ),
    ("firebase", "projects:addfirebase"): lambda state, call: state.create(
        "firebase_projects", call.name, {}
    ),
    ("firebase", "deploy"): _firebase_deploy,
    ("firebase", "hosting:disable"): _hosting_disable,
    ("firebase", "hosting:sites:create"): _site,
    ("firebase", "hosting:sites:list"): _sites,
    ("ai", "models", "describe"): describe("models"),
    ("ai", "models", "upload"): _upload,
    ("ai", "endpoints", "describe"): describe("endpoints"),
    ("ai", "endpoints", "create"): _endpoint_create,
    ("ai", "endpoints", "deploy-model"): _deploy_model,
    ("ai", "endpoints", "update"): _endpoint_update,
    ("ai", "endpoints", "undeploy-model"): _undeploy,
    ("ai", "models", "delete"): _model_delete,
}
