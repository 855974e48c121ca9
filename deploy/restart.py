"""A service's definition with a revision's template: the same code and settings, started again.

    restart.py SERVICE.json REVISION.json MARK      what `gcloud run services replace` reads

The service's own template is what was deployed last, which may have been rolled back. Traffic stays
where it is; the new revision is tagged `canary`.
"""

import json
import sys
from pathlib import Path
from typing import Any

_KEPT = ("autoscaling.knative.dev/", "run.googleapis.com/")
_GIVEN = tuple(  # by the platform itself
    f"run.googleapis.com/{name}" for name in ("operation-id", "client-", "ingress-status", "urls")
)


def restarted(service: dict[str, Any], revision: dict[str, Any], mark: str) -> dict[str, Any]:
    """The definition; `mark` is a label by which the template differs from every one before."""
    annotations = revision["metadata"].get("annotations", {})
    labels = revision["metadata"].get("labels", {})
    traffic = [
        {key: target[key] for key in ("revisionName", "percent", "tag") if key in target}
        for target in service["status"]["traffic"]
    ]
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {
            "name": service["metadata"]["name"],
            "labels": _plain(service["metadata"].get("labels", {})),
            "annotations": _settings(service["metadata"].get("annotations", {})),
        },
        "spec": {
            "template": {
                "metadata": {
                    "labels": {**_plain(labels), "restarted": mark},
                    "annotations": _settings(annotations),
                },
                "spec": revision["spec"],
            },
            "traffic": [*traffic, {"latestRevision": True, "tag": "canary"}],
        },
    }


def _plain(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if "/" not in name}


def _settings(annotations: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in annotations.items()
        if name.startswith(_KEPT) and not name.startswith(_GIVEN)
    }


if __name__ == "__main__":
    service, revision = (json.loads(Path(path).read_text()) for path in sys.argv[1:3])
    print(json.dumps(restarted(service, revision, sys.argv[3]), indent=2))
