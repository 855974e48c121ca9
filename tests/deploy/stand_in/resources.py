"""Everything else that deploy.sh makes: APIs, buckets, secrets, and plain resources."""

import json
from pathlib import Path

from kinds import create, delete, describe, listed
from state import Call, CloudState, Handler, StandInError

_APIS_AT_A_TIME = 20


def _enable(state: CloudState, call: Call) -> None:
    if len(call.names) > _APIS_AT_A_TIME:
        raise StandInError("INVALID_ARGUMENT: at most 20 services can be enabled at a time")
    for name in call.names:
        state.kind("apis")[name] = {"config": {"name": name}}


def _bucket_create(state: CloudState, call: Call) -> None:
    bucket = {
        "name": call.name,
        "location": call.flags["location"].upper(),
        "uniform_bucket_level_access": "uniform-bucket-level-access" in call.flags,
        "public_access_prevention": "enforced",
        "labels": {},
    }
    state.create("buckets", call.name, bucket)


def _bucket_update(state: CloudState, call: Call) -> None:
    bucket = state.get("buckets", call.name)
    bucket["uniform_bucket_level_access"] = True
    bucket["public_access_prevention"] = "enforced"
    for name in ("lifecycle-file", "cors-file"):
        if name in call.flags:
            bucket[name] = json.loads(Path(call.flags[name]).read_text())
    bucket["labels"].update([call.flags["update-labels"].split("=", 1)])


def _ls(state: CloudState, call: Call) -> str:
    below = [n.removeprefix(call.name) for n in state.kind("objects") if n.startswith(call.name)]
    found = sorted({f"{call.name}{name.partition('/')[0]}/" for name in below})
    if not found:
        raise StandInError("One or more URLs matched no objects.")
    return "\n".join(found)


def _copy(state: CloudState, call: Call) -> None:
    """A folder of the bucket to this machine; nothing of the cloud changes."""
    source, target = call.names
    for name in state.kind("objects"):
        if name.startswith(f"{source}/"):
            file = Path(target) / name.removeprefix(source.rpartition("/")[0] + "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("a copy")


def _remove_folder(state: CloudState, call: Call) -> None:
    """A bucket, with all that is in it."""
    delete("buckets")(state, call)
    for name in tuple(state.kind("objects")):
        if name.startswith(f"{call.name}/"):
            del state.kind("objects")[name]


def _version_add(state: CloudState, call: Call) -> None:
    state.get("secrets", call.name).setdefault("versions", []).append(call.data)


def _versions(state: CloudState, call: Call) -> list[dict[str, str]]:
    versions = state.get("secrets", call.names[-1]).get("versions", [])
    return [{"name": f"s/versions/{n + 1}", "state": "ENABLED"} for n in range(len(versions))][::-1]


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("auth", "print-access-token"): lambda _s, _c: "token",
    ("auth", "print-identity-token"): lambda _s, _c: "token",
    ("auth", "application-default", "print-access-token"): lambda _s, _c: "token",
    ("config", "get-value"): lambda _s, _c: "ana@example.com",
    ("version",): lambda _s, _c: {"Google Cloud SDK": "528.0.0"},
    ("services", "list"): listed("apis"),
    ("services", "enable"): _enable,
    ("storage", "buckets", "describe"): describe("buckets"),
    ("storage", "buckets", "create"): _bucket_create,
    ("storage", "buckets", "update"): _bucket_update,
    ("storage", "objects", "describe"): describe("objects"),
    ("storage", "ls"): _ls,
    ("storage", "cp"): _copy,
    ("storage", "rm"): _remove_folder,
    ("secrets", "describe"): describe("secrets"),
    ("secrets", "create"): create("secrets"),
    ("secrets", "versions", "list"): _versions,
    ("secrets", "versions", "add"): _version_add,
    ("secrets", "versions", "access"): lambda state, call: state.get(
        "secrets", call.flags["secret"]
    )["versions"][-1],
    ("billing", "projects", "describe"): lambda _s, _c: {
        "billingAccountName": "billingAccounts/A",
        "billingEnabled": True,
    },
}
_DELETED = {
    "billing budgets": "budgets",
    "iam service-accounts": "accounts",
    "logging metrics": "metrics",
    "monitoring channels": "channels",
    "monitoring dashboards": "dashboards",
    "monitoring policies": "alerts",
    "monitoring uptime": "uptime",
    "pubsub subscriptions": "subscriptions",
    "pubsub topics": "topics",
    "run jobs": "run_jobs",
    "run services": "services",
    "scheduler jobs": "jobs",
    "secrets": "secrets",
    "ai endpoints": "endpoints",
}
for _group, _kind in _DELETED.items():
    HANDLERS[*_group.split(), "delete"] = delete(_kind)
