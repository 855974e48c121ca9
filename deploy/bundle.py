"""One fact about a model bundle, for deploy.sh.

python bundle.py FOLDER version|sha256|md5|models|pickles
"""

import base64
import hashlib
import json
import sys
from pathlib import Path


def fact(folder: Path, name: str) -> str:
    """The version, a digest of the manifest, NAME/VERSION of each served model, ..."""
    data = (folder / "manifest.json").read_bytes()
    manifest = json.loads(data)
    match name:
        case "version":
            return str(manifest["version"])
        case "sha256":
            return hashlib.sha256(data).hexdigest()
        case "md5":  # as Cloud Storage describes its objects
            return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        case "pickles":  # the first version's joblib files, which only scikit-learn reads
            return str("gate.npz" not in manifest["files"]).lower()
        case "models":
            return "\n".join(
                f"{model['name']}/{model.get('version') or 1}" for model in manifest["models"]
            )
    raise ValueError(f"a bundle has no {name}")


if __name__ == "__main__":
    try:
        print(fact(Path(sys.argv[1]), sys.argv[2]))
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{sys.argv[1]} is not a bundle: {error!r}")
