"""What calls a function: triggers, their subscriptions, and jobs."""

from typing import Any

from kinds import create, describe, short
from state import Call, CloudState, Handler, StandInError


def _job_create(state: CloudState, call: Call) -> None:
    state.create("jobs", call.name, _job(call))


def _job(call: Call) -> dict[str, Any]:
    (kind,) = (kind for kind in ("oidc", "oauth") if f"{kind}-service-account-email" in call.flags)
    who = {"serviceAccountEmail": call.flags[f"{kind}-service-account-email"]}
    target = {"uri": call.flags["uri"], f"{kind}Token": who}
    return {"schedule": call.flags["schedule"], "httpTarget": target}


def _job_update(state: CloudState, call: Call) -> None:
    state.get("jobs", call.name).update(_job(call))


def _trigger_create(state: CloudState, call: Call) -> None:
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


def _trigger_update(state: CloudState, call: Call) -> None:
    state.get("triggers", call.name).update(_trigger(call))


def _trigger_delete(state: CloudState, call: Call) -> None:
    trigger = state.kind("triggers").pop(call.name)
    del state.kind("subscriptions")[short(trigger["transport"]["pubsub"]["subscription"])]


def _trigger(call: Call) -> dict[str, Any]:
    return {
        "destination": {
            "cloudRun": {
                "service": call.flags["destination-run-service"],
                "region": call.flags["destination-run-region"],
            }
        },
        "serviceAccount": call.flags["service-account"],
    }


def _filters(call: Call) -> list[dict[str, str]]:
    pairs = (pair.split("=") for pair in call.flags["event-filters"].split(","))
    return [{"attribute": name, "value": value} for name, value in pairs]


def subscription(state: CloudState, call: Call) -> Any:
    return state.get("subscriptions", short(call.name))


def _subscription_update(state: CloudState, call: Call) -> None:
    subscription(state, call).update(
        deadLetterPolicy={
            "deadLetterTopic": call.flags["dead-letter-topic"],
            "maxDeliveryAttempts": int(call.flags["max-delivery-attempts"]),
        },
        retryPolicy={"maximumBackoff": call.flags["max-retry-delay"]},
        ackDeadlineSeconds=int(call.flags["ack-deadline"]),
    )


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("scheduler", "jobs", "describe"): describe("jobs"),
    ("scheduler", "jobs", "create", "http"): _job_create,
    ("scheduler", "jobs", "update", "http"): _job_update,
    ("eventarc", "triggers", "describe"): describe("triggers"),
    ("eventarc", "triggers", "create"): _trigger_create,
    ("eventarc", "triggers", "update"): _trigger_update,
    ("pubsub", "topics", "describe"): describe("topics"),
    ("pubsub", "topics", "create"): create("topics"),
    ("pubsub", "subscriptions", "describe"): subscription,
    ("pubsub", "subscriptions", "create"): create("subscriptions"),
    ("pubsub", "subscriptions", "update"): _subscription_update,
    ("eventarc", "triggers", "delete"): _trigger_delete,
}
