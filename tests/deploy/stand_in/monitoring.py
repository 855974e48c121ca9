"""Logs, metrics, dashboards, alerts and budgets."""

import json
from pathlib import Path
from typing import Any

from kinds import describe, listed
from state import Call, CloudState, Handler


def _sink(state: CloudState, call: Call) -> dict[str, Any]:
    return dict(state.kind("sinks").setdefault(call.name, {"name": call.name, "exclusions": []}))


def _sink_update(state: CloudState, call: Call) -> None:
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


def _metric(state: CloudState, call: Call) -> None:
    metric = json.loads(Path(call.flags["config-from-file"]).read_text())
    if call.path[-1] == "create":
        state.create("metrics", call.name, metric)
    else:
        state.get("metrics", call.name).update(metric)


def _uptime(state: CloudState, call: Call) -> None:
    name = f"projects/1/{call.name.replace(' ', '-')}-1"
    labels = dict(pair.split("=", 1) for pair in call.flags["resource-labels"].split(","))
    uptime = {"displayName": call.name, "name": name, "monitoredResource": {"labels": labels}}
    state.create("uptime", name, uptime)


def _dashboard(state: CloudState, call: Call) -> None:
    dashboard = json.loads(Path(call.flags["config-from-file"]).read_text())
    state.create("dashboards", "dashboards/1", {"name": "dashboards/1", **dashboard})


def _budget(state: CloudState, call: Call) -> None:
    name = call.name if call.names else "billingAccounts/A/budgets/1"
    budget = state.kind("budgets").setdefault(name, {"name": name})
    if "display-name" in call.flags:
        budget["displayName"] = call.flags["display-name"]
    budget["amount"] = {"specifiedAmount": {"units": call.flags["budget-amount"]}}


def _policy_file(state: CloudState, call: Call) -> None:
    policy = json.loads(Path(call.flags["policy-from-file"]).read_text())
    name = call.name if call.names else f"policies/{len(state.kind('alerts')) + 1}"
    state.kind("alerts")[name] = {"name": name, **policy}


def _channel(state: CloudState, call: Call) -> None:
    labels = dict([call.flags["channel-labels"].split("=", 1)])
    name = f"channels/{len(state.kind('channels')) + 1}"
    channel = {"name": name, "type": call.flags["type"], "labels": labels}
    state.kind("channels")[name] = {**channel, "displayName": call.flags["display-name"]}


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("billing", "budgets", "list"): listed("budgets"),
    ("billing", "budgets", "create"): _budget,
    ("billing", "budgets", "update"): _budget,
    ("monitoring", "dashboards", "list"): listed("dashboards"),
    ("monitoring", "dashboards", "create"): _dashboard,
    ("logging", "sinks", "describe"): _sink,
    ("logging", "sinks", "update"): _sink_update,
    ("logging", "metrics", "describe"): describe("metrics"),
    ("logging", "metrics", "create"): _metric,
    ("logging", "metrics", "update"): _metric,
    ("logging", "read"): lambda s, _c: [
        {"httpRequest": {"status": status}} for status in s.kind("logs").get("statuses", [])
    ],
    ("monitoring", "uptime", "list-configs"): listed("uptime"),
    ("monitoring", "uptime", "create"): _uptime,
    ("monitoring", "policies", "list"): listed("alerts"),
    ("monitoring", "policies", "create"): _policy_file,
    ("monitoring", "policies", "update"): _policy_file,
    ("monitoring", "channels", "list"): listed("channels"),
    ("monitoring", "channels", "create"): _channel,
}
