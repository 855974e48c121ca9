"""Which versions are loaded and unloaded, decided without a server."""

from pathlib import Path

from models.serving.versions import (
    Folders,
    VersionFolder,
    VersionId,
    scan,
    settled,
    to_load,
)


def folders(*numbers: int, model: str = "m", size: int = 1) -> Folders:
    """Imagine version folders whose only file has this size."""
    ids = [VersionId(model, number) for number in numbers]
    return {i: VersionFolder(i, Path(str(i)), (("saved_model.pb", size, 0),)) for i in ids}


def ids(*numbers: int, model: str = "m") -> set[VersionId]:
    """Name versions of one model."""
    return {VersionId(model, number) for number in numbers}


def test_only_numbered_folders_with_a_graph_are_versions(tmp_path: Path) -> None:
    """Anything else in a model folder may be notes or a copy in progress."""
    for name in ("m/1", "m/00002", "m/3-tmp", "m/latest"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "saved_model.pb").write_bytes(b"")
    (tmp_path / "m" / "4").mkdir()
    (tmp_path / "m" / "5").write_text("a file")
    (tmp_path / "models.config").write_text("a file")
    assert set(scan(tmp_path)) == ids(1, 2)
    assert scan(tmp_path / "nonesuch") == {}


def test_a_folder_that_still_changes_is_left_for_the_next_scan() -> None:
    """Unless it is loaded already. The first scan takes what it finds."""
    before, now = folders(1, 2, size=1), {**folders(1, 2, size=2), **folders(3)}
    assert settled(now, None, set()) == now
    assert set(settled(now, before, ids(1))) == ids(1)
    assert set(settled(now, now, set())) == ids(1, 2, 3)


def test_a_failed_version_is_tried_again_only_when_its_files_change() -> None:
    """Otherwise a broken model would be reloaded every second."""
    (folder,) = folders(2, size=1).values()
    failed = {folder.id: folder.fingerprint}
    assert to_load(folders(2, size=1), set(), failed) == ()
    assert [f.id.version for f in to_load(folders(2, size=2), set(), failed)] == [2]
    assert to_load(folders(2), ids(2), {}) == ()
