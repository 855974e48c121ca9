"""Who may do what: the policies of projects and resources, and the accounts in them."""

from typing import Any

from kinds import describe
from state import Call, CloudState, Handler, StandInError
from triggers import subscription

# Google's own accounts, by what has to be asked for before they exist.
_MADE_BY = {
    "gs-project-accounts": "storage.googleapis.com",
    "gcp-sa-eventarc": "eventarc.googleapis.com",
    "gcp-sa-pubsub": "pubsub.googleapis.com",
}


def _account_create(state: CloudState, call: Call) -> None:
    account = {"displayName": call.flags["display-name"]}
    state.create("accounts", f"{call.name}@demo-parrot.iam.gserviceaccount.com", account)


def _identity(state: CloudState, call: Call) -> None:
    state.kind("identities")[call.flags["service"]] = {}


def _storage_agent(state: CloudState, _call: Call) -> None:
    state.kind("identities")["storage.googleapis.com"] = {}


def _policy(kind: str) -> dict[tuple[str, ...], Handler]:
    group = tuple(kind.split())

    def read(state: CloudState, call: Call) -> list[dict[str, Any]]:
        bindings = state.kind("policies").get(f"{kind} {call.name}", {})
        return [
            {"bindings": {"role": role, "members": member, "condition": {"title": title}}}
            for role, members in bindings.items()
            for member, title in (text.split("|") for text in members)
        ]

    def add(state: CloudState, call: Call) -> None:
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
        conditional = any(text.partition("|")[2] for texts in policy.values() for text in texts)
        if conditional and "condition" not in call.flags:
            raise StandInError(
                "Adding a binding without specifying a condition to a policy containing conditions"
                " is prohibited in non-interactive mode. Run the command again with"
                " `--condition=None`"
            )
        _, _, title = (call.flags.get("condition") or "").partition(",title=")
        policy.setdefault(role, []).append(f"{member}|{title}")

    def remove(state: CloudState, call: Call) -> None:
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
    "artifacts repositories": describe("repositories"),
    "storage buckets": describe("buckets"),
    "run jobs": describe("run_jobs"),
    "run services": describe("services"),
    "secrets": describe("secrets"),
    "pubsub topics": describe("topics"),
    "pubsub subscriptions": subscription,
}
HANDLERS: dict[tuple[str, ...], Handler] = {
    ("projects", "describe"): _KINDS["projects"],
    ("services", "identity", "create"): _identity,
    ("storage", "service-agent"): _storage_agent,
    ("iam", "service-accounts", "describe"): describe("accounts"),
    ("iam", "service-accounts", "create"): _account_create,
}
for _kind in _KINDS:
    HANDLERS.update(_policy(_kind))
