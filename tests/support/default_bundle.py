"""What the bundle in use says about its served model."""

from models.folders import DEFAULT_BUNDLE
from parrot.model.manifest import MANIFEST, Manifest

_MANIFEST = Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes())
(_MODEL,) = _MANIFEST.models
NAME, VERSION = _MODEL.name, _MODEL.version or "1"
SERVED, SERVED_CLASSES = f"{NAME}/{VERSION}", _MANIFEST.served_classes
