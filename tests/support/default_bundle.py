"""What the bundle in use says about its served model."""

from __future__ import annotations

from models.folders import DEFAULT_BUNDLE
from parrot.model.manifest import MANIFEST, Manifest

(_MODEL,) = Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes()).models
NAME, VERSION = _MODEL.name, _MODEL.version or "1"
SERVED = f"{NAME}/{VERSION}"
