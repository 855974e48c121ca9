"""Bodies as examples; mypy checks them against the types that the code answers with."""

from __future__ import annotations

from parrot.http import schemas
from parrot.http.answers import TIPS
from parrot.observation import Status
from parrot.records import Reason

_ID = "163db709-3985-583c-81a4-c528d8f6a6f6"
_SHA256 = "02bd7ba753ec3c7d2827d362ee372a20a9a64072cc637e6cb8d30ce82b0c4ff5"
_CONURE = "aratinga-solstitialis"
_MODEL = schemas.ModelVersions(bundle="2026-11-23", classifier="ParrotClassifier/1")
_FILES = f"https://parrots.example/parrot-classifier/observations/{_ID}"

_PHOTO = schemas.ClassifiedPhoto(sha256=_SHA256, width=3024, height=4032)
_PARROT: schemas.Classification = {
    "parrot": {"is_parrot": True, "probability": 0.999956},
    "species": [
        {
            "index": 11,
            "id": _CONURE,
            "scientific_name": "Aratinga solstitialis",
            "names": {"en": "Sun conure", "ko": "태양앵무"},
            "cites": "II",
            "probability": 0.94,
        }
    ],
    "set": {"coverage": 0.95, "species": [_CONURE], "unknown": False},
    "model": _MODEL,
    "photo": _PHOTO,
}
_JOINT: schemas.JointClassification = {**_PARROT, "agree": True, "photos": [_PARROT, _PARROT]}
CLASSIFICATIONS: dict[str, schemas.Classification | schemas.JointClassification] = {
    "parrot": _PARROT,
    "not a parrot": {
        "parrot": {"is_parrot": False, "probability": 0.000021},
        "species": [],
        "reason": Reason.OTHER_BIRD,
        "tip": TIPS[Reason.OTHER_BIRD],
        "model": _MODEL,
        "photo": _PHOTO,
    },
    "two photos of one bird": _JOINT,
}
READINESS: schemas.Readiness = {
    "status": "ready",
    "bundle": "2026-11-23",
    "models": ["ParrotClassifier/1"],
}
PENDING: schemas.Observation = {
    "id": _ID,
    "species": _CONURE,
    "index": 11,
    "status": Status.PENDING,
    "photo": {"sha256": _SHA256, "media_type": "image/jpeg", "width": 3024, "height": 4032},
    "created": "2026-11-24T09:52:59.444Z",
    "updated": "2026-11-24T09:52:59.444Z",
    "labels": [{"species": _CONURE, "index": 11, "at": "2026-11-24T09:52:59.444Z"}],
}
OBSERVATION: schemas.Observation = {
    **PENDING,
    "status": Status.READY,
    "updated": "2026-11-24T09:52:59.733Z",
    "verdict": {
        "parrot": {"is_parrot": True, "probability": 0.999956},
        "species": _CONURE,
        "probability": 0.94,
        "model": _MODEL,
    },
    "files": {"image": f"{_FILES}/image?token=...", "thumbnail": f"{_FILES}/thumbnail?token=..."},
    "blurhash": "LGF%O$908$I.-do#MzXN1jVvxsf5",
}
PAGE: schemas.ObservationPage = {"observations": [OBSERVATION], "next_page_token": "AUo4..."}
