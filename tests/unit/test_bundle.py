"""A bundle is used only after everything that it promises was checked."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from local.stack import DEFAULT_BUNDLE
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.bundle import SIGNATURE, Bundle, SignedFiles, load_labels, load_species
from parrot.model.embedding import Embedding
from parrot.model.manifest import digest
from parrot.model.species import SpeciesTable, Taxonomy


def load(folder: Path, pinned: str | None = None) -> Bundle:
    return Bundle.load(FolderFiles(folder), sha256=pinned)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in DEFAULT_BUNDLE.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    raw = json.loads((folder / "manifest.json").read_text())
    edit(raw)
    (folder / "manifest.json").write_text(json.dumps(raw))


def test_species_keep_the_order_that_phones_know() -> None:
    """The class index is the line: last year's app must not show another bird."""
    order = ", ".join(row.english for row in load(DEFAULT_BUNDLE).species.rows)
    assert order == (
        "African grey parrot, Amazon parrots, Blue-and-yellow macaw, Budgerigar, Cockatiel, "
        "Eclectus parrot, Galah, Hyacinth macaw, Rainbow lorikeet, Rose-ringed parakeet, "
        "Scarlet macaw, Sun conure, White cockatoos, Rosy-faced lovebird, Kea, Kakapo, "
        "Gang-gang cockatoo, Palm cockatoo, Green-winged macaw, "
        "White- and yellow-tailed black cockatoos, Major Mitchell's cockatoo, Crimson rosella"
    )


@pytest.mark.parametrize("name", ["gate.npz", "species.csv", "embedding.npz", "look_alikes.csv"])
def test_a_damaged_or_missing_file_is_named(copy: Path, name: str) -> None:
    """Half an upload is the most common damage; the manifest may exist before the rest."""
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BadBundle, match=f"{name} .*damaged or half uploaded"):
        load(copy)
    (copy / name).unlink()
    with pytest.raises(BadBundle, match=name):
        load(copy)


def test_labels_come_with_the_photos_that_the_bundle_was_fitted_on(copy: Path) -> None:
    """Reviewers see rare kinds first; where nobody counted, all are as rare."""
    labels = load_labels(FolderFiles(copy), sha256=None)
    assert (labels["ara-macao"], labels["macaws"], labels["other-parrot"]) == (46, 0, 246)
    change(copy, lambda raw: raw.pop("photos"))
    assert set(load_labels(FolderFiles(copy), sha256=None).values()) == {0}
    change(copy, lambda raw: raw.update(photos={"ara-macao": -2}))
    with pytest.raises(BadBundle, match="photos: fewer than none"):
        load_labels(FolderFiles(copy), sha256=None)


def test_a_bundle_from_before_embeddings_loads_as_it_did(copy: Path) -> None:
    """Published bundles stay as they are: rolling back to one must not need a new file."""
    change(copy, lambda raw: raw["files"].pop("embedding.npz"))
    (copy / "embedding.npz").unlink()
    assert load(copy).embedding is None
    assert load(DEFAULT_BUNDLE).embedding is not None


def test_an_embedding_of_another_backbone_is_refused(copy: Path) -> None:
    """At the start, not at the first photo."""
    halves = np.ones((7, 64), np.float16)
    data = Embedding.of(halves[:, 0], halves, halves).dump()
    (copy / "embedding.npz").write_bytes(data)
    change(copy, lambda raw: raw["files"].update({"embedding.npz": digest(data)}))
    with pytest.raises(BadBundle, match=r"embedding\.npz is not for 1280 features"):
        load(copy)


def test_another_manifest_than_the_pinned_one_is_refused(copy: Path) -> None:
    """Anyone who can write to the bucket must not change what a deployment runs."""
    pinned = digest((copy / "manifest.json").read_bytes())
    assert load(copy, pinned).sha256 == pinned
    change(copy, lambda raw: raw["gate"].update(threshold=0.0))
    with pytest.raises(BadBundle, match="expected"):
        load(copy, pinned)


def test_a_gate_that_does_not_reproduce_is_refused(copy: Path) -> None:
    """The vectors catch what digests cannot: a gate fitted on other features."""
    change(copy, lambda raw: raw["reference"][1].update(probability=0.123))
    with pytest.raises(BadBundle, match="reference vector 1"):
        load(copy)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda raw: raw.update(format=2), "format"),
        (lambda raw: raw.pop("models"), "models"),
        (lambda raw: raw["models"][0]["outputs"].pop("features"), "features"),
        (lambda raw: raw["models"][0]["input"].update(crop="diagonal"), "diagonal"),
        (lambda raw: raw["models"][0]["input"].update(width=0), "size"),
        (lambda raw: raw["models"][0]["input"].update(scaling="unit"), "scaling"),
        (lambda raw: raw.update(classes=23), "22 species"),
        (lambda raw: raw.update(reference=[]), "reference"),
        (lambda raw: raw["gate"].update(kind="mahalanobis"), "mahalanobis"),
        (lambda raw: raw["files"].update({"../x": "0" * 64}), "bad name"),
        (lambda raw: raw["files"].pop("gate.npz"), r"gate\.npz"),
        (lambda raw: raw["reference"][0]["features"].append(float("nan")), "reference"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused_by_name(
    copy: Path, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    """The person who publishes should read what is wrong, not guess."""
    change(copy, edit)
    with pytest.raises(BadBundle, match=message):
        load(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_a_manifest_that_is_not_an_object_is_refused(copy: Path, text: str) -> None:
    """A file of that name may contain anything."""
    (copy / "manifest.json").write_text(text)
    with pytest.raises(BadBundle, match=r"manifest\.json"):
        load(copy)


def test_another_version_in_the_place_of_the_one_asked_for_is_refused(copy: Path) -> None:
    """An older bundle is signed too; copied over a newer one, it would bring back its faults."""

    class OtherVersion(FolderFiles):
        version = "2099-01-01"

    files = OtherVersion(copy)
    for read in (Bundle.load, load_species):
        with pytest.raises(BadBundle, match="in the place of 2099-01-01"):
            read(files, sha256=None)
    change(copy, lambda raw: raw.update(version="2099-01-01"))
    assert Bundle.load(files, sha256=None).manifest.version == "2099-01-01"
    key = Ed25519PrivateKey.generate()
    signature = base64.b64encode(key.sign((copy / "manifest.json").read_bytes()))
    (copy / SIGNATURE).write_bytes(signature)
    public = key.public_key().public_bytes_raw()
    assert Bundle.load(SignedFiles(files, [public]), sha256=None)
    files.version = "2100-01-01"
    with pytest.raises(BadBundle, match="in the place of 2100-01-01"):
        Bundle.load(SignedFiles(files, [public]), sha256=None)


@pytest.mark.parametrize("name", ["../../pwned", "a/b", "..", "", ".hidden", "a b", "x" * 101])
def test_an_id_that_is_not_one_part_of_a_path_is_refused(name: str) -> None:
    """Ids become folders of exported photos and pages of the web app."""
    columns = "index,id,scientific_name,en,ko,cites"
    with pytest.raises(BadBundle, match="is not an id"):
        SpeciesTable.parse(f"{columns}\n0,{name},Nestor notabilis,Kea,,\n".encode())
    taxa = "id,rank,parent,scientific_name,en,ko,iucn,cites,status_year"
    with pytest.raises(BadBundle, match="is not an id"):
        Taxonomy.parse(f"{taxa}\n{name},species,,Nestor notabilis,Kea,,,,\n".encode())
