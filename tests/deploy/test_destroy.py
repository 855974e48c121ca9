"""What ./deploy.sh destroy takes and what it leaves."""

import json
from typing import Any

import pytest

from tests.deploy.project import LEARNING, PROJECT, Project

# Of a project that others use too.
OTHERS: tuple[tuple[str, str, Any], ...] = (
    ("services", "shop", {"metadata": {"labels": {}}}),
    ("buckets", "gs://demo-parrot-invoices", {"labels": {}}),
    ("objects", "gs://demo-parrot-invoices/1.pdf", {}),
    ("accounts", "shop@demo-parrot.iam.gserviceaccount.com", {"displayName": "Shop"}),
    ("topics", "orders", {"labels": {}}),
    ("alerts", "policies/90", {"name": "policies/90", "userLabels": {"team": "shop"}}),
    ("channels", "channels/90", {"name": "channels/90", "displayName": "Shop"}),
    ("metrics", "orders", {"description": "Orders"}),
)
# Google's own, and what only `gcloud projects delete` takes away.
STAYS = {"apis", "identities", "firebase_projects", "linked", "sites", "firebase", "policies"}
DATA = {"buckets", "objects", "databases", "ttls", "schedules", "secrets"}


def _without_data(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(kind, name) for kind, name in found if kind not in DATA}


def _left(project: Project) -> set[tuple[str, str]]:
    """Kind and name of what is there."""
    state = project.state()
    assert state.pop("sinks")["_Default"]["exclusions"] == []
    roles = state["policies"]["projects demo-parrot"]
    assert not [m for members in roles.values() for m in members if "parrot-" in m.split("@")[0]]
    return {(kind, name) for kind, names in state.items() if kind not in STAYS for name in names}


@pytest.mark.parametrize("models", ["run", "vertex"])
def test_destroy_takes_all_that_is_ours_and_nothing_else(project: Project, models: str) -> None:
    """Somebody else's service in the same project must outlive this one, and photos a mistake.

    An endpoint from before --models run is billed for ever, like everything that is left.
    """
    place = ("--set", "ALERT_EMAIL=ana@example.com", "--set", "BUDGET=50")
    project.done(*place, *LEARNING, "--models", models)
    for kind, name, value in OTHERS:
        project.control("put", kind, name, json.dumps(value))
    before = project.state()
    assert "nothing was removed" in project.refused(*place, "destroy", typed="yes\n")
    assert project.state() == before
    said = project.done(*place, "destroy", typed=f"{PROJECT}\n")
    assert "  account parrot-save" in said
    assert ("endpoint 1001" in said) == (models == "vertex")
    others = {(kind, name) for kind, name, _ in OTHERS}
    assert _without_data(_left(project)) == _without_data(others)
    assert {"gs://demo-parrot-photos", "gs://demo-parrot-models"} <= set(project.state()["buckets"])
    assert set(project.state()["databases"]) == {"(default)"}
    (kept,) = project.state()["secrets"]
    assert kept == "receipt-key"  # without it no receipt can be checked
    project.done(*place, "destroy", "--with-data", typed=f"{PROJECT}\n")
    assert _left(project) == others
    assert "nothing to remove" in project.done(*place, "destroy", "--with-data")


def test_a_destruction_that_was_cut_is_completed_by_the_next(serving: Project) -> None:
    """As every other command: each of these gets a step further before it is cut."""
    text = json.dumps(serving.state())
    serving.done("destroy", "--with-data", typed=f"{PROJECT}\n")
    after = serving.state()
    serving.control("reset", text)
    for at in range(1, 100):
        serving.control("fail", str(at), "before", "ERROR: Connection reset by peer")
        result = serving.run("destroy", "--with-data", typed=f"{PROJECT}\n")
        if result.returncode == 0:
            break
        assert result.returncode == 1
    assert at > 5, "it was cut at first, and in the middle"
    assert serving.state() == after
