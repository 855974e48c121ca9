"""Everything else that deploy.sh makes: plain resources that are created, changed and described."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from state import StandInError

if TYPE_CHECKING:
    from collections.abc import Callable

    from state import Call, State

    Handler = Callable[[State, Call], Any]


def _describe(kind: str) -> Handler:
    return lambda state, call: state.get(kind, call.name)


def _list(kind: str) -> Handler:
    return lambda state, _call: list(state.kind(kind).values())


def _create(kind: str, **fixed: Any) -> Handler:
    def create(state: State, call: Call) -> None:
        state.create(kind, call.name, {"name": call.name, **fixed, **call.flags})

    return create


def _update(kind: str) -> Handler:
    def update(state: State, call: Call) -> None:
        state.get(kind, call.name).update(call.flags)

    return update


_APIS_AT_A_TIME = 20
# Google's own accounts, by what has to be asked for before they exist.
_MADE_BY = {
    "gs-project-accounts": "storage.googleapis.com",
    "gcp-sa-eventarc": "eventarc.googleapis.com",
    "gcp-sa-pubsub": "pubsub.googleapis.com",
}


def _policy(kind: str) -> dict[tuple[str, ...], Handler]:
    group = tuple(kind.split())

    def read(state: State, call: Call) -> list[dict[str, Any]]:
        bindings = state.kind("policies").get(f"{kind} {call.name}", {})
        return [
            {"bindings": {"role": role, "members": member}}
            for role, members in bindings.items()
            for member in members
        ]

    def add(state: State, call: Call) -> None:
        member, role = call.flags["member"], call.flags["role"]
        email = member.removeprefix("serviceAccount:")
        own = email.partition("@")[2] == "demo-parrot.iam.gserviceaccount.com"
        if own and email not in state.kind("accounts"):
            raise StandInError(f"INVALID_ARGUMENT: Service account {email} does not exist.")
        google = email.removeprefix("service-123456@").removesuffix(".iam.gserviceaccount.com")
        if google in _MADE_BY and _MADE_BY[google] not in state.kind("identities"):
            raise StandInError(f"INVALID_ARGUMENT: Service account {email} does not exist.")
        if kind != "projects":  # the resource must be there
            _KINDS[kind](state, call)
        policy = state.kind("policies").setdefault(f"{kind} {call.name}", {})
        policy.setdefault(role, []).append(member)

    return {(*group, "get-iam-policy"): read, (*group, "add-iam-policy-binding"): add}


_KINDS: dict[str, Handler] = {
    "projects": lambda _state, _call: {"projectNumber": "123456", "lifecycleState": "ACTIVE"},
    "storage buckets": _describe("buckets"),
    "run services": _describe("services"),
    "secrets": _describe("secrets"),
    "pubsub topics": _describe("topics"),
    "pubsub subscriptions": lambda state, call: state.get("subscriptions", _short(call.name)),
}


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _enable(state: State, call: Call) -> None:
    if len(call.names) > _APIS_AT_A_TIME:
        raise StandInError("INVALID_ARGUMENT: at most 20 services can be enabled at a time")
    for name in call.names:
        state.kind("apis")[name] = {"config": {"name": name}}


def _identity(state: State, call: Call) -> None:
    state.kind("identities")[call.flags["service"]] = {}


def _storage_agent(state: State, _call: Call) -> None:
    state.kind("identities")["storage.googleapis.com"] = {}


def _bucket_create(state: State, call: Call) -> None:
    bucket = {
        "name": call.name,
        "location": call.flags["location"].upper(),
        "uniform_bucket_level_access": "uniform-bucket-level-access" in call.flags,
        "public_access_prevention": "enforced",
        "labels": {},
    }
    state.create("buckets", call.name, bucket)


def _bucket_update(state: State, call: Call) -> None:
    bucket = state.get("buckets", call.name)
    bucket["uniform_bucket_level_access"] = True
    bucket["public_access_prevention"] = "enforced"
    for name in ("lifecycle-file", "cors-file"):
        if name in call.flags:
            bucket[name] = json.loads(Path(call.flags[name]).read_text())
    bucket["labels"].update([call.flags["update-labels"].split("=", 1)])


def _account_create(state: State, call: Call) -> None:
    state.create("accounts", f"{call.name}@demo-parrot.iam.gserviceaccount.com", dict(call.flags))


def _version_add(state: State, call: Call) -> None:
    state.get("secrets", call.name).setdefault("versions", []).append(call.data)


def _versions(state: State, call: Call) -> list[dict[str, str]]:
    versions = state.get("secrets", call.names[-1]).get("versions", [])
    return [{"name": f"s/versions/{n + 1}", "state": "ENABLED"} for n in range(len(versions))][::-1]


def _image(state: State, call: Call) -> Any:
    return state.get("images", call.name)


def _build(state: State, call: Call) -> None:
    if not (Path(call.name) / "models.config").is_file():
        raise StandInError("the build's folder holds no model")
    state.kind("images")[call.flags["substitutions"].removeprefix("_IMAGE=")] = {
        "image_summary": {"digest": "sha256:1"}
    }


def _ls(state: State, call: Call) -> str:
    below = [n.removeprefix(call.name) for n in state.kind("objects") if n.startswith(call.name)]
    found = sorted({f"{call.name}{name.partition('/')[0]}/" for name in below})
    if not found:
        raise StandInError("One or more URLs matched no objects.")
    return "\n".join(found)


def _copy(state: State, call: Call) -> None:
    """A folder of the bucket to this machine; nothing of the cloud changes."""
    source, target = call.names
    for name in state.kind("objects"):
        if name.startswith(f"{source}/"):
            file = Path(target) / name.removeprefix(source.rpartition("/")[0] + "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("a copy")


def _job_create(state: State, call: Call) -> None:
    account = call.flags["oidc-service-account-email"]
    job = {"schedule": call.flags["schedule"], "httpTarget": {"uri": call.flags["uri"]}}
    job["httpTarget"]["oidcToken"] = {"serviceAccountEmail": account}
    state.create("jobs", call.name, job)


def _trigger_create(state: State, call: Call) -> None:
    subscription = f"eventarc-{call.flags['location']}-{call.name}-sub-1"
    state.get("services", call.flags["destination-run-service"])
    trigger = {**call.flags, **_trigger(call), "eventFilters": _filters(call)}
    state.create("triggers", call.name, trigger)
    state.kind("subscriptions")[subscription] = {"name": subscription, "ackDeadlineSeconds": 10}
    state.kind("triggers")[call.name]["transport"] = {
        "pubsub": {"subscription": f"projects/demo-parrot/subscriptions/{subscription}"}
    }


def _trigger(call: Call) -> dict[str, Any]:
    return {
        "destination": {"cloudRun": {"service": call.flags["destination-run-service"]}},
        "serviceAccount": call.flags["service-account"],
    }


def _filters(call: Call) -> list[dict[str, str]]:
    pairs = (pair.split("=") for pair in call.flags["event-filters"].split(","))
    return [{"attribute": name, "value": value} for name, value in pairs]


def _trigger_update(state: State, call: Call) -> None:
    state.get("triggers", call.name).update(_trigger(call))


def _subscription_update(state: State, call: Call) -> None:
    state.get("subscriptions", _short(call.name)).update(
        deadLetterPolicy={
            "deadLetterTopic": call.flags["dead-letter-topic"],
            "maxDeliveryAttempts": int(call.flags["max-delivery-attempts"]),
        },
        retryPolicy={"maximumBackoff": call.flags["max-retry-delay"]},
        ackDeadlineSeconds=int(call.flags["ack-deadline"]),
    )


def _database(call: Call) -> str:
    return str(call.flags["database"])


def _database_create(state: State, call: Call) -> None:
    database = {"locationId": call.flags["location"], "type": "FIRESTORE_NATIVE"}
    state.create("databases", _database(call), database)


def _sink(state: State, call: Call) -> dict[str, Any]:
    return dict(state.kind("sinks").setdefault(call.name, {"name": call.name, "exclusions": []}))


def _sink_update(state: State, call: Call) -> None:
    _sink(state, call)
    exclusion = call.flags.get("add-exclusion") or call.flags["update-exclusion"]
    name, _, chosen = exclusion.partition(",filter=")
    name = name.removeprefix("name=")
    exclusions = state.kind("sinks")[call.name]["exclusions"]
    exclusions[:] = [line for line in exclusions if line["name"] != name]
    exclusions.append({"name": name, "filter": chosen})


def _metric(state: State, call: Call) -> None:
    metric = json.loads(Path(call.flags["config-from-file"]).read_text())
    if call.path[-1] == "create":
        state.create("metrics", call.name, metric)
    else:
        state.get("metrics", call.name).update(metric)


def _uptime(state: State, call: Call) -> None:
    state.create("uptime", call.name, {"displayName": call.name, "name": f"projects/1/{call.name}"})


def _policy_file(state: State, call: Call) -> None:
    policy = json.loads(Path(call.flags["policy-from-file"]).read_text())
    name = call.name if call.names else f"policies/{len(state.kind('alerts')) + 1}"
    state.kind("alerts")[name] = {"name": name, **policy}


def _channel(state: State, call: Call) -> None:
    labels = dict([call.flags["channel-labels"].split("=", 1)])
    name = f"channels/{len(state.kind('channels')) + 1}"
    state.kind("channels")[name] = {"name": name, "type": call.flags["type"], "labels": labels}


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("auth", "print-access-token"): lambda _s, _c: "token",
    ("projects", "describe"): _KINDS["projects"],
    ("services", "list"): _list("apis"),
    ("services", "enable"): _enable,
    ("services", "identity", "create"): _identity,
    ("storage", "service-agent"): _storage_agent,
    ("storage", "buckets", "describe"): _describe("buckets"),
    ("storage", "buckets", "create"): _bucket_create,
    ("storage", "buckets", "update"): _bucket_update,
    ("storage", "objects", "describe"): _describe("objects"),
    ("storage", "ls"): _ls,
    ("storage", "cp"): _copy,
    ("iam", "service-accounts", "describe"): _describe("accounts"),
    ("iam", "service-accounts", "create"): _account_create,
    ("secrets", "describe"): _describe("secrets"),
    ("secrets", "create"): _create("secrets"),
    ("secrets", "versions", "list"): _versions,
    ("secrets", "versions", "add"): _version_add,
    ("secrets", "versions", "access"): lambda state, call: state.get(
        "secrets", call.flags["secret"]
    )["versions"][-1],
    ("artifacts", "repositories", "describe"): _describe("repositories"),
    ("artifacts", "repositories", "create"): _create("repositories"),
    ("artifacts", "repositories", "set-cleanup-policies"): lambda state, call: state.get(
        "repositories", call.name
    ).update(cleanupPolicies={"keep": {}}),
    ("artifacts", "docker", "images", "describe"): _image,
    ("builds", "submit"): _build,
    ("scheduler", "jobs", "describe"): _describe("jobs"),
    ("scheduler", "jobs", "create", "http"): _job_create,
    ("eventarc", "triggers", "describe"): _describe("triggers"),
    ("eventarc", "triggers", "create"): _trigger_create,
    ("eventarc", "triggers", "update"): _trigger_update,
    ("pubsub", "topics", "describe"): _describe("topics"),
    ("pubsub", "topics", "create"): _create("topics"),
    ("pubsub", "subscriptions", "describe"): _KINDS["pubsub subscriptions"],
    ("pubsub", "subscriptions", "create"): _create("subscriptions"),
    ("pubsub", "subscriptions", "update"): _subscription_update,
    ("firestore", "databases", "describe"): lambda s, c: s.get("databases", _database(c)),
    ("firestore", "databases", "create"): _database_create,
    ("logging", "sinks", "describe"): _sink,
    ("logging", "sinks", "update"): _sink_update,
    ("logging", "metrics", "describe"): _describe("metrics"),
    ("logging", "metrics", "create"): _metric,
    ("logging", "metrics", "update"): _metric,
    ("logging", "read"): lambda s, _c: [
        {"httpRequest": {"status": status}} for status in s.kind("logs").get("statuses", [])
    ],
    ("monitoring", "uptime", "list-configs"): _list("uptime"),
    ("monitoring", "uptime", "create"): _uptime,
    ("monitoring", "policies", "list"): _list("alerts"),
    ("monitoring", "policies", "create"): _policy_file,
    ("monitoring", "policies", "update"): _policy_file,
    ("monitoring", "channels", "list"): _list("channels"),
    ("monitoring", "channels", "create"): _channel,
}
for _kind in _KINDS:
    HANDLERS.update(_policy(_kind))
