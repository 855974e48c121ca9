"""Which photos a folder for training contains, whoever made it."""

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from models.data import labelled_photos
from tests.support.photos import encoded, noise


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


def test_files_that_are_not_photos_are_left_out_and_all_named(folder: Path) -> None:
    """A Mac leaves hidden files beside photos; among a thousand photos some are cut off."""
    kea, whole = folder / "parrots" / "kea", encoded(noise(seed=3))
    for name in ("2.JFIF", "3.jpe", "4.hif", "5.heif"):  # the first bytes tell the type
        (kea / name).write_bytes(encoded(noise(seed=int(name[0]))))
    (kea / "._1.jpg").write_bytes(b"Mac OS X")
    (kea / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (kea / "page.png").write_text("<html>")
    told = list[str]()
    assert len(labelled_photos.read(folder, told.append)) == 5
    (text,) = told
    assert f"{kea / 'cut.jpg'}: the image/jpeg is damaged" in text
    assert f"{kea / 'page.png'}: this is not a supported image" in text
    assert "._1" not in text
    for path in kea.glob("[0-9]*"):
        path.write_bytes(b"")
    with pytest.raises(labelled_photos.BadDataset, match="none of the 7 photos"):
        labelled_photos.read(folder)


@pytest.mark.parametrize(
    ("delimiter", "encoding", "end"),
    [
        (",", "utf-8-sig", "\r\n"),
        (";", "cp1252", "\r\n"),
        (";", "utf-8", "\r\n"),
        ("\t", "utf-8", "\r\n"),
        (",", "utf-8", "\r"),
    ],
)
def test_an_index_is_read_as_excel_saves_it(
    folder: Path, delimiter: str, encoding: str, end: str
) -> None:
    """With a BOM, semicolons, Windows' letters or a Mac's lines; paths as Windows writes them."""
    path = folder / "parrots" / "kea" / unicodedata.normalize("NFD", "Käfig.jpg")
    path.write_bytes(encoded(noise()))
    rows = [("path", "group", "label"), ("parrots\\kea\\Käfig.jpg", "parrots", "Müllers Kea")]
    text = end.join(delimiter.join(row) for row in rows)
    (folder / "index.csv").write_bytes(text.encode(encoding))
    (photo,) = labelled_photos.read(folder)
    assert (photo.path, photo.label, photo.taxon) == (path, "Müllers Kea", "xn--mllers-kea-9db")
    (folder / "index.csv").write_text(f"path,group,label\n{'x' * 200_000},parrots,kea\n")
    with pytest.raises(ValueError, match="this is not a table: field larger than"):
        labelled_photos.read(folder)


def test_all_lines_of_an_index_that_are_wrong_are_told_at_once(folder: Path) -> None:
    """Each run takes a while."""
    (folder / "index.csv").write_text(
        "path,group,label\nparrots/kea/1.jpg,parrots,kea\ngone.jpg,parrots,kea\n1.jpg,parots,kea\n"
    )
    with pytest.raises(labelled_photos.BadDataset, match=r"line 3.*\n.*line 4"):
        labelled_photos.read(folder)


def test_a_list_of_photos_is_read_back_from_any_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What commands make of a person's photos names them wherever they were named from."""
    monkeypatch.chdir(folder.parent)
    (photo,) = labelled_photos.read(Path(folder.name))
    photo = replace(photo, cluster="one", source="Müller, K.", phone_like=True)
    (folder / "deep").mkdir()
    labelled_photos.write([photo], folder / "deep" / "some.csv")
    (back,) = labelled_photos.read(folder / "deep" / "some.csv")
    assert back == replace(photo, path=photo.path.resolve())
