"""What the bundle in use says about its served model, and the kinds that it names."""

from models.data.labelled_photos import TAXONOMY_CSV
from models.folders import DEFAULT_BUNDLE
from parrot.model.manifest import MANIFEST, Manifest
from parrot.model.species import SpeciesTable, Taxonomy

TABLE = (DEFAULT_BUNDLE / "species.csv").read_bytes()
SPECIES, TAXONOMY = SpeciesTable.parse(TABLE), Taxonomy.parse(TAXONOMY_CSV.read_bytes())
_MANIFEST = Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes())
(_MODEL,) = _MANIFEST.models
NAME, VERSION = _MODEL.name, _MODEL.version or "1"
SERVED, SERVED_CLASSES = f"{NAME}/{VERSION}", _MANIFEST.served_classes
