"""Cloud Run services as far as deployments move them: revisions, traffic, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from state import StandInError

if TYPE_CHECKING:
    from state import Call, State


def _deploy(state: State, call: Call) -> None:
    services = state.kind("services")
    service = services.get(call.name)
    if service is None:
        if "no-traffic" in call.flags:
            raise StandInError("--no-traffic not supported when creating a new service")
        service = services[call.name] = {
            "metadata": {"name": call.name, "labels": {}},
            "status": {"traffic": [], "url": f"https://{call.name}-abc.a.run.app"},
            "revisions": [],
        }
    for name in ("source", "image", "env-vars-file", "service-account"):
        if name in call.flags:
            service[name] = call.flags[name]
    _revision(state, service, call)


def _update(state: State, call: Call) -> None:
    _revision(state, state.get("services", call.name), call)


def _revision(state: State, service: dict[str, Any], call: Call) -> None:
    labels = call.flags.get("labels") or call.flags.get("update-labels") or ""
    service["metadata"]["labels"].update(pair.split("=", 1) for pair in labels.split(",") if pair)
    status, traffic = service["status"], service["status"]["traffic"]
    revision = f"{service['metadata']['name']}-{len(service['revisions']) + 1:05}"
    service["revisions"].append(revision)
    status["latestCreatedRevisionName"] = revision
    if state.kind("broken").pop(service["metadata"]["name"], None):
        raise StandInError(f"Revision '{revision}' is not ready and cannot serve traffic")
    status["latestReadyRevisionName"] = revision
    if "no-traffic" in call.flags:
        for target in traffic:
            target.pop("latestRevision", None)
    elif not traffic:
        traffic.append({"revisionName": revision, "percent": 100, "latestRevision": True})
    for target in traffic:
        if target.get("latestRevision"):
            target["revisionName"] = revision
    if tag := call.flags.get("tag"):
        _tag(service, tag, revision)


def _tag(service: dict[str, Any], tag: str, revision: str | None) -> None:
    traffic = service["status"]["traffic"]
    for target in traffic:
        if target.get("tag") == tag:
            del target["tag"], target["url"]
    traffic[:] = [target for target in traffic if target.get("percent") or target.get("tag")]
    if revision is not None:
        _known(service, revision)
        url = service["status"]["url"].replace("https://", f"https://{tag}---")
        same = [target for target in traffic if target["revisionName"] == revision]
        target = next((target for target in same if "tag" not in target), None)
        if target is None:
            traffic.append(target := {"revisionName": revision})
        target.update(tag=tag, url=url)


def _known(service: dict[str, Any], revision: str) -> None:
    if revision not in service["revisions"]:
        raise StandInError(f"Revision [{revision}] does not exist")


def _update_traffic(state: State, call: Call) -> None:
    service = state.get("services", call.name)
    traffic = service["status"]["traffic"]
    shares: dict[str, int] = {}
    if "to-latest" in call.flags:
        shares[service["status"]["latestReadyRevisionName"]] = 100
    for pair in _pairs(call.flags.get("to-revisions")):
        _known(service, pair[0])
        shares[pair[0]] = int(pair[1])
    for tag, share in _pairs(call.flags.get("to-tags")):
        (tagged,) = [target for target in traffic if target.get("tag") == tag]
        shares[tagged["revisionName"]] = int(share)
    if shares:
        _share(service, shares)
    for tag in filter(None, (call.flags.get("remove-tags") or "").split(",")):
        if not any(target.get("tag") == tag for target in traffic):
            raise StandInError(f"tag [{tag}] does not exist")
        _tag(service, tag, None)
    for tag, revision in _pairs(call.flags.get("update-tags")):
        _tag(service, tag, revision)


def _pairs(text: str | None) -> list[list[str]]:
    return [pair.split("=", 1) for pair in (text or "").split(",") if pair]


def _share(service: dict[str, Any], shares: dict[str, int]) -> None:
    """What is named gets its share; the others keep the proportions of what is left."""
    traffic = service["status"]["traffic"]
    left = 100 - sum(shares.values())
    others = {
        target["revisionName"]: target["percent"]
        for target in traffic
        if target.get("percent") and target["revisionName"] not in shares
    }
    if left and not others:
        raise StandInError("traffic does not add up to 100")
    before = sum(others.values())
    shares = {**{name: share * left // before for name, share in others.items()}, **shares}
    for target in traffic:
        target.pop("percent", None)
        target.pop("latestRevision", None)
    for name, share in shares.items():
        if share:
            same = [target for target in traffic if target["revisionName"] == name]
            if same:
                same[0]["percent"] = share
            else:
                traffic.append({"revisionName": name, "percent": share})
    traffic[:] = [target for target in traffic if target.get("percent") or target.get("tag")]


HANDLERS = {
    ("run", "deploy"): _deploy,
    ("run", "services", "update"): _update,
    ("run", "services", "update-traffic"): _update_traffic,
    ("run", "services", "describe"): lambda state, call: state.get("services", call.name),
}
