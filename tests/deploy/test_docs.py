"""docs/operations.md says what the scripts compute and grant."""

import csv
import re
import sys
from datetime import date

from tests.deploy.project import ROOT
from tests.support.commands import printed


def test_the_costs_in_the_document_are_current() -> None:
    """A changed price or usage must show where people read it."""
    costs = printed(sys.executable, "deploy/costs.py")
    document = (ROOT / "docs/operations.md").read_text()
    assert f"<!-- costs: begin -->\n{costs}<!-- costs: end -->" in document


def test_every_price_has_a_day_and_a_source() -> None:
    """A price without them cannot be checked."""
    with (ROOT / "deploy/prices.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            assert date.fromisoformat(row["read_on"]) >= date(2026, 11, 1)
            assert row["source"].startswith(("cloud.google.com/", "firebase.google.com/"))
            assert float(row["usd"]) > 0


# What whoever deploys needs for each group of gcloud's commands; the others only read.
_ROLES = {
    "ai": "aiplatform.admin",
    "artifacts": "artifactregistry.admin",
    "billing": "billing.costsManager",
    "builds": "cloudbuild.builds.editor",
    "eventarc": "eventarc.admin",
    "firestore": "datastore.owner",
    "iam": "iam.serviceAccountAdmin",
    "logging": "logging.configWriter",
    "monitoring": "monitoring.editor",
    "projects": "resourcemanager.projectIamAdmin",
    "pubsub": "pubsub.admin",
    "run": "run.admin",
    "scheduler": "cloudscheduler.admin",
    "secrets": "secretmanager.admin",
    "services": "serviceusage.serviceUsageAdmin",
    "storage": "storage.admin",
}


def test_who_deploys_is_told_every_role_that_it_takes() -> None:
    """Where nobody may be the owner, a missing role shows in the middle of the first run."""
    files = [path for path in (ROOT / "deploy").rglob("*.sh") if path.name != "doctor.sh"]
    lines = [line for path in files for line in path.read_text().splitlines()]
    scripts = "\n".join(line for line in lines if "# " not in line)
    groups = set(re.findall(r"\bgcloud (?:alpha |beta )?([a-z]{2,}) [a-z]", scripts)) - {"auth"}
    document = (ROOT / "docs/getting-started.md").read_text()
    assert groups == _ROLES.keys()
    for group in groups:
        assert f"`{_ROLES[group]}`" in document, group


def test_the_document_gives_a_reason_for_each_role() -> None:
    """A role that is granted and not explained is one too many, or a gap in the document."""
    scripts = "".join(path.read_text() for path in (ROOT / "deploy/parts").glob("*.sh"))
    granted = set(re.findall(r"roles/([a-zA-Z]+\.[a-zA-Z]+)", scripts))
    document = (ROOT / "docs/operations.md").read_text()
    names = {role for role in granted if not role.endswith("serviceAgent")}
    assert len(names) > 5
    for role in names:
        service, _, kind = role.partition(".")
        assert role in document or (service in document and kind in document), role
