"""Everything else that deploy.sh makes: plain resources that are created, changed and described."""

from __future__ import annotations

import json
import re
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


def _create(kind: str) -> Handler:
    def create(state: State, call: Call) -> None:
        labels = dict([call.flags["labels"].split("=", 1)])
        state.create(kind, call.name, {"name": call.name, **call.flags, "labels": labels})

    return create


def _delete(kind: str) -> Handler:
    def delete(state: State, call: Call) -> None:
        state.get(kind, call.name)
        del state.kind(kind)[call.name]

    return delete


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
            {"bindings": {"role": role, "members": member, "condition": {"title": title}}}
            for role, members in bindings.items()
            for member, title in (text.split("|") for text in members)
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
        _, _, title = (call.flags.get("condition") or "").partition(",title=")
        policy.setdefault(role, []).append(f"{member}|{title}")

    def remove(state: State, call: Call) -> None:
        policy = state.kind("policies")[f"{kind} {call.name}"]
        role, gone = call.flags["role"], f"{call.flags['member']}|"
        policy[role] = [text for text in policy[role] if not text.startswith(gone)]
        if not policy[role]:
            del policy[role]

    return {
        (*group, "get-iam-policy"): read,
        (*group, "add-iam-policy-binding"): add,
        (*group, "remove-iam-policy-binding"): remove,
    }


_KINDS: dict[str, Handler] = {
    "projects": lambda _state, _call: {"projectNumber": "123456", "lifecycleState": "ACTIVE"},
    "artifacts repositories": _describe("repositories"),
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
    account = {"displayName": call.flags["display-name"]}
    state.create("accounts", f"{call.name}@demo-parrot.iam.gserviceaccount.com", account)


def _version_add(state: State, call: Call) -> None:
    state.get("secrets", call.name).setdefault("versions", []).append(call.data)


def _versions(state: State, call: Call) -> list[dict[str, str]]:
    versions = state.get("secrets", call.names[-1]).get("versions", [])
    return [{"name": f"s/versions/{n + 1}", "state": "ENABLED"} for n in range(len(versions))][::-1]


def _image(state: State, call: Call) -> Any:
    return state.get("images", call.name)


def _build(state: State, call: Call) -> None:
    """The images that a config names: functions from their folders, or the model server."""
    folder = Path(call.name)
    if not call.flags["gcs-source-staging-dir"].startswith("gs://demo-parrot-models/"):
        raise StandInError("the default bucket for sources is in the US, and keeps them for ever")
    if substitutions := call.flags.get("substitutions"):
        if not (folder / "models.config").is_file():
            raise StandInError("the build's folder holds no model")
        image, base = re.fullmatch(r"_IMAGE=(.*),_BASE=(.*)", substitutions).groups()
        if "/parrot-hub/tensorflow/serving" not in base:
            raise StandInError("Docker Hub: toomanyrequests")
        names = [image]
        words = map(Path, (folder / "models.config").read_text().split())
        bundles = [_version(word) for word in words if (word / "manifest.json").is_file()]
    else:
        config = Path(call.flags["config"]).read_text()
        for name in re.findall(r"dir: (\w+)", config):
            if not (folder / name / "main.py").is_file():
                raise StandInError(f"there is no function in {name}")
        names = re.findall(r"images: \[(.*)\]", config)[0].split(",")
        bundles = []
    for name in names:
        state.kind("images")[name] = {"image_summary": {"digest": "sha256:1"}, "bundles": bundles}


def _version(bundle: Path) -> str:
    """Copies from the bucket are empty, so their folder's name tells."""
    text = (bundle / "manifest.json").read_text()
    return str(json.loads(text)["version"]) if text.startswith("{") else bundle.name


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
    agent = "serviceAccount:service-123456@gs-project-accounts.iam.gserviceaccount.com|"
    publishers = state.kind("policies")["projects demo-parrot"].get("roles/pubsub.publisher", [])
    if agent not in publishers or state.kind("young").get("agent", 0) > 0:
        state.kind("young")["agent"] = state.kind("young").get("agent", 0) - 1
        raise StandInError(
            'FAILED_PRECONDITION: Invalid resource state for "": The Cloud Storage service account'
            " for your bucket is unable to publish to Cloud Pub/Sub topics in the specified"
            " project."
        )
    subscription = f"eventarc-{call.flags['location']}-{call.name}-sub-1"
    state.get("services", call.flags["destination-run-service"])
    trigger = {**call.flags, **_trigger(call), "eventFilters": _filters(call)}
    state.create("triggers", call.name, trigger)
    state.kind("subscriptions")[subscription] = {"name": subscription, "ackDeadlineSeconds": 10}
    state.kind("triggers")[call.name]["transport"] = {
        "pubsub": {"subscription": f"projects/demo-parrot/subscriptions/{subscription}"}
    }


def _trigger_delete(state: State, call: Call) -> None:
    trigger = state.kind("triggers").pop(call.name)
    del state.kind("subscriptions")[_short(trigger["transport"]["pubsub"]["subscription"])]


def _repository_delete(state: State, call: Call) -> None:
    _delete("repositories")(state, call)
    for name in tuple(state.kind("images")):
        if f"/{call.name}/" in name:
            del state.kind("images")[name]


def _remove_folder(state: State, call: Call) -> None:
    """A bucket, with all that is in it."""
    _delete("buckets")(state, call)
    for name in tuple(state.kind("objects")):
        if name.startswith(f"{call.name}/"):
            del state.kind("objects")[name]


def _database_delete(state: State, call: Call) -> None:
    if state.get("databases", _database(call)).get("protected"):
        raise StandInError("FAILED_PRECONDITION: the database has delete protection")
    for kind in ("databases", "ttls", "schedules", "documents"):
        state.kind(kind).pop(_database(call), None)


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
    _database_update(state, call)


def _database_update(state: State, call: Call) -> None:
    database = state.get("databases", _database(call))
    if "enable-pitr" in call.flags:
        database["pointInTimeRecoveryEnablement"] = "POINT_IN_TIME_RECOVERY_ENABLED"
    if "delete-protection" in call.flags or "no-delete-protection" in call.flags:
        database["protected"] = "delete-protection" in call.flags


def _ttl(state: State, call: Call) -> None:
    state.get("databases", _database(call))
    state.kind("ttls")[_database(call)] = [{"name": f"quotas/fields/{call.name}"}]


def _backup_schedule(state: State, call: Call) -> None:
    state.get("databases", _database(call))
    seconds = int(call.flags["retention"].removesuffix("d")) * 86400
    state.kind("schedules")[_database(call)] = {"name": "s/1", "retention": f"{seconds}s"}


def _of_database(kind: str) -> Handler:
    """What belongs to a database, which must be there."""

    def read(state: State, call: Call) -> list[Any]:
        state.get("databases", _database(call))
        found = state.kind(kind).get(_database(call), [])
        return found if isinstance(found, list) else [found]

    return read


def _indexes(state: State, call: Call) -> list[dict[str, str]]:
    """Each time somebody asks they are further built."""
    building = state.kind("building").get("indexes", 0)
    if building:
        state.kind("building")["indexes"] = building - 1
    return [
        {"state": "CREATING" if building else "READY"} for _ in _of_database("ttls")(state, call)
    ]


def _sink(state: State, call: Call) -> dict[str, Any]:
    return dict(state.kind("sinks").setdefault(call.name, {"name": call.name, "exclusions": []}))


def _sink_update(state: State, call: Call) -> None:
    _sink(state, call)
    exclusions = state.kind("sinks")[call.name]["exclusions"]
    if gone := call.flags.get("remove-exclusions"):
        exclusions[:] = [line for line in exclusions if line["name"] != gone]
        return
    exclusion = call.flags.get("add-exclusion") or call.flags["update-exclusion"]
    name, _, chosen = exclusion.partition(",filter=")
    name = name.removeprefix("name=")
    exclusions[:] = [line for line in exclusions if line["name"] != name]
    exclusions.append({"name": name, "filter": chosen})


def _metric(state: State, call: Call) -> None:
    metric = json.loads(Path(call.flags["config-from-file"]).read_text())
    if call.path[-1] == "create":
        state.create("metrics", call.name, metric)
    else:
        state.get("metrics", call.name).update(metric)


def _uptime(state: State, call: Call) -> None:
    name = f"projects/1/{call.name.replace(' ', '-')}-1"
    labels = dict(pair.split("=", 1) for pair in call.flags["resource-labels"].split(","))
    uptime = {"displayName": call.name, "name": name, "monitoredResource": {"labels": labels}}
    state.create("uptime", name, uptime)


def _dashboard(state: State, call: Call) -> None:
    dashboard = json.loads(Path(call.flags["config-from-file"]).read_text())
    state.create("dashboards", "dashboards/1", {"name": "dashboards/1", **dashboard})


def _budget(state: State, call: Call) -> None:
    name = call.name if call.names else "billingAccounts/A/budgets/1"
    budget = state.kind("budgets").setdefault(name, {"name": name})
    if "display-name" in call.flags:
        budget["displayName"] = call.flags["display-name"]
    budget["amount"] = {"specifiedAmount": {"units": call.flags["budget-amount"]}}


def _policy_file(state: State, call: Call) -> None:
    policy = json.loads(Path(call.flags["policy-from-file"]).read_text())
    name = call.name if call.names else f"policies/{len(state.kind('alerts')) + 1}"
    state.kind("alerts")[name] = {"name": name, **policy}


def _channel(state: State, call: Call) -> None:
    labels = dict([call.flags["channel-labels"].split("=", 1)])
    name = f"channels/{len(state.kind('channels')) + 1}"
    channel = {"name": name, "type": call.flags["type"], "labels": labels}
    state.kind("channels")[name] = {**channel, "displayName": call.flags["display-name"]}


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("auth", "print-access-token"): lambda _s, _c: "token",
    ("auth", "print-identity-token"): lambda _s, _c: "token",
    ("auth", "application-default", "print-access-token"): lambda _s, _c: "token",
    ("config", "get-value"): lambda _s, _c: "ana@example.com",
    ("version",): lambda _s, _c: {"Google Cloud SDK": "528.0.0"},
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
    ("storage", "rm"): _remove_folder,
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
    ("firestore", "databases", "update"): _database_update,
    ("firestore", "databases", "delete"): _database_delete,
    ("firestore", "backups", "schedules", "list"): _of_database("schedules"),
    ("firestore", "backups", "schedules", "create"): _backup_schedule,
    ("firestore", "backups", "schedules", "update"): _backup_schedule,
    ("firestore", "fields", "ttls", "update"): _ttl,
    ("billing", "projects", "describe"): lambda _s, _c: {
        "billingAccountName": "billingAccounts/A",
        "billingEnabled": True,
    },
    ("billing", "budgets", "list"): _list("budgets"),
    ("billing", "budgets", "create"): _budget,
    ("billing", "budgets", "update"): _budget,
    ("monitoring", "dashboards", "list"): _list("dashboards"),
    ("monitoring", "dashboards", "create"): _dashboard,
    ("firestore", "fields", "ttls", "list"): _of_database("ttls"),
    ("firestore", "indexes", "composite", "list"): _indexes,
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
_DELETED = {
    "iam service-accounts": "accounts",
    "logging metrics": "metrics",
    "monitoring channels": "channels",
    "monitoring dashboards": "dashboards",
    "monitoring policies": "alerts",
    "monitoring uptime": "uptime",
    "pubsub subscriptions": "subscriptions",
    "pubsub topics": "topics",
    "run services": "services",
    "scheduler jobs": "jobs",
    "secrets": "secrets",
    "ai endpoints": "endpoints",
}
for _group, _kind in _DELETED.items():
    HANDLERS[*_group.split(), "delete"] = _delete(_kind)
HANDLERS["eventarc", "triggers", "delete"] = _trigger_delete
HANDLERS["artifacts", "repositories", "delete"] = _repository_delete
for _kind in _KINDS:
    HANDLERS.update(_policy(_kind))
