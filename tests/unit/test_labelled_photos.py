"""Which photos a folder for training may contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.data import labelled_photos
from tests.support.photos import encoded, noise

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kea = tmp_path / "set" / "parrots" / "kea"
    kea.mkdir(parents=True)
    (kea / "1.jpg").write_bytes(encoded(noise(seed=1)))
    (tmp_path / "secret.jpg").write_bytes(encoded(noise(seed=2)))
    return tmp_path / "set"


@pytest.mark.parametrize("kind", ["file", "folder", "listed", "listed link"])
def test_a_folder_brings_in_no_photo_from_outside(folder: Path, kind: str) -> None:
    """A set of photos comes from other people; this machine's other files must not be learned."""
    kea, secret = folder / "parrots" / "kea", folder.parent / "secret.jpg"
    path = "../secret.jpg"
    if kind != "listed":
        (kea / "2.jpg").symlink_to(secret)
        path = "parrots/kea/2.jpg"
    if kind == "folder":
        (kea / "2.jpg").unlink()
        (folder / "parrots" / "link").symlink_to(folder.parent)
    if kind.startswith("listed"):
        (folder / "index.csv").write_text(f"path,group,label\n{path},parrots,kea\n")
    with pytest.raises(labelled_photos.BadDataset, match="is outside of"):
        labelled_photos.read(folder)


def test_links_within_the_folder_and_a_linked_folder_are_fine(folder: Path) -> None:
    """Large sets are laid out with links."""
    (folder / "parrots" / "kea" / "2.jpg").symlink_to(folder / "parrots" / "kea" / "1.jpg")
    (folder.parent / "link").symlink_to(folder)
    assert len(labelled_photos.read(folder.parent / "link")) == 2
    index = folder.parent / "mine.csv"  # a list of one's own may name any photo
    index.write_text(f"path,group,label\n{folder}/parrots/kea/1.jpg,parrots,kea\n")
    assert len(labelled_photos.read(index)) == 1
