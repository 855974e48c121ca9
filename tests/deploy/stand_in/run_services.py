"""Cloud Run services as far as deployments move them: revisions, traffic, tags, answers."""

import json
import re
from pathlib import Path
from typing import Any

from kinds import describe, listed
from state import Call, CloudState, StandInError

_HOST = re.compile(
    r"https://(?:(?P<tag>[a-z]+)---)?(?P<service>[a-z-]+)-abc[.]a[.]run[.]app(?P<path>/.*)"
)
_PLACE = "cloud.googleapis.com/location"


def _deploy(state: CloudState, call: Call) -> None:
    services = state.kind("services")
    service = services.get(call.name)
    if service is None:
        if "no-traffic" in call.flags:
            raise StandInError("--no-traffic not supported when creating a new service")
        service = services[call.name] = {
            "metadata": {"name": call.name, "labels": {}},
            "status": {"traffic": [], "url": f"https://{call.name}-abc.a.run.app"},
            "revisions": {},
        }
    labels = dict(pair.split("=", 1) for pair in call.flags["labels"].split(","))
    service["metadata"]["labels"].update(labels, **{_PLACE: call.flags["region"]})
    account = {"serviceAccountName": call.flags["service-account"]}
    service["spec"] = {"template": {"spec": account}}
    traffic = service["status"]["traffic"]
    if "no-traffic" in call.flags and not service["status"].get("latestReadyRevisionName"):
        raise StandInError("spec.traffic[0].revisionName: Should be set")
    _revision(state, service, _spec(state, call), labels)
    revision = service["status"]["latestReadyRevisionName"]
    if "no-traffic" not in call.flags:
        traffic.append({"revisionName": revision, "percent": 100})
    if tag := call.flags.get("tag"):
        _tag(service, tag, revision)


def _spec(state: CloudState, call: Call) -> dict[str, Any]:
    state.get("images", call.flags["image"])
    spec = {name: call.flags[name] for name in ("image", "service-account", "startup-probe")}
    spec["private"] = "invoker-iam-check" in call.flags
    if file := call.flags.get("env-vars-file"):
        lines = (line.partition(": ") for line in Path(file).read_text().splitlines())
        spec["env"] = {name: json.loads(value) for name, _, value in lines}
    return spec


def _revision(
    state: CloudState, service: dict[str, Any], spec: dict[str, Any], labels: dict[str, str]
) -> None:
    """A new one. It is ready if its startup probe, or without one its port, answers."""
    name, status = service["metadata"]["name"], service["status"]
    revision = f"{name}-{len(service['revisions']) + 1:05}"
    spec = {key: value for key, value in spec.items() if key not in {"sick", "alone"}}
    for fault in ("sick", "alone"):  # answers 500 to everything; reaches no neighbour
        if state.kind(fault).pop(name, None):
            spec[fault] = True
    service["revisions"][revision] = {
        "metadata": {"name": revision, "labels": labels},
        "spec": spec,
    }
    status["latestCreatedRevisionName"] = revision
    asked = "httpGet" in spec["startup-probe"]
    if state.kind("broken").pop(name, None) or (spec.get("sick") and asked):
        raise StandInError(f"Revision '{revision}' is not ready and cannot serve traffic")
    status["latestReadyRevisionName"] = revision


def _replace(state: CloudState, call: Call) -> None:
    """The whole definition at once, as `services replace` reads it."""
    wanted = json.loads(Path(call.name).read_text())
    service = state.get("services", wanted["metadata"]["name"])
    template, traffic = wanted["spec"]["template"], wanted["spec"]["traffic"]
    if sum(target.get("percent", 0) for target in traffic) != 100:
        raise StandInError("spec.traffic: percents do not add up to 100")
    place = {_PLACE: service["metadata"]["labels"][_PLACE]}
    service["metadata"]["labels"] = {**wanted["metadata"]["labels"], **place}
    _revision(state, service, template["spec"], template["metadata"]["labels"])
    newest = service["status"]["latestReadyRevisionName"]
    service["status"]["traffic"] = [
        {"revisionName": newest, **{k: v for k, v in target.items() if k != "latestRevision"}}
        for target in traffic
    ]
    for target in service["status"]["traffic"]:
        if "tag" in target:
            _known(service, target["revisionName"])
            target["url"] = _url(service, target["tag"])


def _revision_describe(state: CloudState, call: Call) -> Any:
    for service in state.kind("services").values():
        if call.name in service["revisions"]:
            return service["revisions"][call.name]
    raise StandInError(f"Cannot find revision [{call.name}]")


def answer(state: CloudState, words: list[str]) -> tuple[str, str] | None:
    """Status and body of a request to a service; None for other hosts."""
    found = _HOST.fullmatch(
        next(word for word in words if word.startswith("https://")).partition("?")[0]
    )
    if found is None:
        return None
    service = state.get("services", found["service"])
    chosen = [
        target["revisionName"]
        for target in service["status"]["traffic"]
        if (target.get("tag") == found["tag"] if found["tag"] else target.get("percent"))
    ]
    spec = service["revisions"][chosen[0]]["spec"]
    if spec["private"] and not any(word.startswith("Authorization: Bearer ") for word in words):
        return "403", "Forbidden"
    if spec.get("sick"):
        return "500", '{"code": "bad_config"}'
    return _function(state, spec, found["path"])


def _function(state: CloudState, spec: dict[str, Any], path: str) -> tuple[str, str]:
    if path.startswith("/v1/models/"):
        return "200", "{}"
    needs_model = spec["image"].partition(":")[0].endswith(("/classify", "/process"))
    if spec.get("alone") or (needs_model and not _model_served(state, spec["env"])):
        return "503", '{"code": "model_unavailable"}'
    if path.endswith("/classify"):
        body = state.kind("answers").get("classify", '{"is_parrot": true}')
        return "200", body
    return "204", ""


def _model_served(state: CloudState, env: dict[str, str]) -> bool:
    """Whether each revision of the model server that may get the request has the bundle's model."""
    if "MODEL_SERVER_URL" not in env:
        return True
    server = state.get("services", "parrot-models")
    images = [
        state.get("images", server["revisions"][target["revisionName"]]["spec"]["image"])
        for target in server["status"]["traffic"]
        if target.get("percent")
    ]
    return all(env["MODEL_BUNDLE"] in image["bundles"] for image in images)


def _tag(service: dict[str, Any], tag: str, revision: str | None) -> None:
    traffic = service["status"]["traffic"]
    for target in traffic:
        if target.get("tag") == tag:
            del target["tag"], target["url"]
    traffic[:] = [target for target in traffic if target.get("percent") or target.get("tag")]
    if revision is not None:
        _known(service, revision)
        url = _url(service, tag)
        same = [target for target in traffic if target["revisionName"] == revision]
        target = next((target for target in same if "tag" not in target), None)
        if target is None:
            traffic.append(target := {"revisionName": revision})
        target.update(tag=tag, url=url)


def _url(service: dict[str, Any], tag: str) -> str:
    return str(service["status"]["url"].replace("https://", f"https://{tag}---"))


def _known(service: dict[str, Any], revision: str) -> None:
    if revision not in service["revisions"]:
        raise StandInError(f"Revision [{revision}] does not exist")


def _update_traffic(state: CloudState, call: Call) -> None:
    service = state.get("services", call.name)
    traffic = service["status"]["traffic"]
    if table := _pairs(call.flags.get("to-revisions")):
        _share(service, {revision: int(share) for revision, share in table})
    for tag in filter(None, (call.flags.get("remove-tags") or "").split(",")):
        if not any(target.get("tag") == tag for target in traffic):
            raise StandInError(f"tag [{tag}] does not exist")
        _tag(service, tag, None)
    for tag, revision in _pairs(call.flags.get("update-tags")):
        _tag(service, tag, revision)


def _pairs(text: str | None) -> list[list[str]]:
    return [pair.split("=", 1) for pair in (text or "").split(",") if pair]


def _share(service: dict[str, Any], shares: dict[str, int]) -> None:
    """A whole table: what it does not name gets nothing, and stays only if it has a tag."""
    if sum(shares.values()) != 100:
        raise StandInError("traffic does not add up to 100")
    traffic = service["status"]["traffic"]
    for target in traffic:
        target.pop("percent", None)
    for name, share in shares.items():
        _known(service, name)
        same = [target for target in traffic if target["revisionName"] == name]
        if same:
            same[0]["percent"] = share
        else:
            traffic.append({"revisionName": name, "percent": share})
    traffic[:] = [target for target in traffic if target.get("percent") or target.get("tag")]


def _job_deploy(state: CloudState, call: Call) -> None:
    state.get("images", call.flags["image"])
    labels = dict([call.flags["labels"].split("=", 1)])
    state.kind("run_jobs")[call.name] = {**call.flags, "metadata": {"labels": labels}}


HANDLERS = {
    ("run", "jobs", "deploy"): _job_deploy,
    ("run", "jobs", "describe"): describe("run_jobs"),
    ("run", "jobs", "executions", "list"): listed("executions"),
    ("run", "deploy"): _deploy,
    ("run", "services", "replace"): _replace,
    ("run", "revisions", "describe"): _revision_describe,
    ("run", "services", "update-traffic"): _update_traffic,
    ("run", "services", "list"): listed("services"),
    ("run", "services", "describe"): describe("services"),
}
