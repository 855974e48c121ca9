"""What the model server's container image is built from: one folder that holds everything."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from models.network.model_folder import BUILT_FROM, build
from models.network.weights import HEAD_FILE
from parrot.errors import BadBundle
from parrot.model.manifest import MANIFEST, Manifest

_GRAPH_FILE = "saved_model.pb"
_RANDOM_FILE = "fingerprint.pb"  # TensorFlow writes a random id into it; TF Serving needs none
_TAG_DIGITS = 16


def write(folder: Path, *, fixed: Path, bundles: Iterable[Path], models: Path) -> str:
    """Write the build context to `folder`, replacing it; return a tag for the image.

    Args:
        folder: gets the Dockerfile, the configuration and `models/NAME/VERSION`.
        fixed: the folder of the files that every image has.
        bundles: their models are served side by side; functions name the version that they want.
        models: where SavedModels are built; those of bundles without a head must be there.

    The same inputs give the same tag.

    Raises BadBundle where a model cannot be built and is not in `models`, where two bundles want
    different models under one name and version, or where a model links to files outside of it.
    """
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(fixed, draft)
    for bundle in bundles:
        for version in _saved_models(bundle, models):
            target = draft / "models" / version.parent.name / version.name
            if target.exists():
                _check_same(version, target)
                continue
            _check_links(version)
            shutil.copytree(version, target, ignore=shutil.ignore_patterns(_RANDOM_FILE))
    names = sorted(path.name for path in (draft / "models").iterdir())
    (draft / "models.config").write_text(_models_config(names), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return _digest(folder)[:_TAG_DIGITS]


def _saved_models(bundle: Path, models: Path) -> list[Path]:
    if (bundle / HEAD_FILE).is_file():
        return [build(bundle, models)]
    served = Manifest.parse((bundle / MANIFEST).read_bytes()).models
    folders = [models / model.name / (model.version or "1") for model in served]
    for path in folders:
        if not (path / _GRAPH_FILE).is_file():
            raise BadBundle(f"{bundle} was not built here, and there is no SavedModel in {path}")
    return folders


def _check_links(version: Path) -> None:
    """An image must not carry this machine's other files. Raises BadBundle."""
    for path in version.rglob("*"):
        if not path.resolve().is_relative_to(version.resolve()):
            raise BadBundle(f"{path} links to a file outside of {version}")


def _check_same(version: Path, target: Path) -> None:
    """Raises BadBundle."""
    graphs = [(path / _GRAPH_FILE).read_bytes() for path in (version, target)]
    if graphs[0] != graphs[1]:
        raise BadBundle(
            f"two bundles want different models as {target.parent.name}/{target.name}: fit one of "
            "them with another --model-version"
        )


def _models_config(names: list[str]) -> str:
    """TF Serving's list of models: every version that is there, since functions name theirs."""
    return f"model_config_list {{\n{''.join(map(_model_config, names))}}}\n"


def _model_config(name: str) -> str:
    return f"""  config {{
    name: {json.dumps(name)}
    base_path: {json.dumps(f"/models/{name}")}
    model_platform: "tensorflow"
    model_version_policy {{ all {{}} }}
  }}
"""


def _digest(folder: Path) -> str:
    """Over every file's path and bytes.

    Of a version that was built here only the note of what it was built from counts: TensorFlow
    names functions in the order in which one process makes them.
    """
    noted = {note.parents[1] for note in folder.rglob(BUILT_FROM)}
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if noted & set(path.parents) and not path.match(BUILT_FROM):
            continue
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
