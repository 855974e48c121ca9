"""Which versions are loaded and unloaded, decided without a server."""

from pathlib import Path
from typing import Any

import pytest

from models.serving.catalog import Catalog, State
from models.serving.versions import VersionId, scan


def write(base: Path, *names: str, size: int = 1) -> None:
    """Version folders whose only file has this size."""
    for name in names:
        (base / name).mkdir(parents=True, exist_ok=True)
        (base / name / "saved_model.pb").write_bytes(bytes(size))


class Loader:
    """Loads any folder, or none."""

    broken, calls = False, 0

    def __call__(self, folder: Path) -> Any:
        self.calls += 1
        if self.broken:
            raise ValueError(folder)
        return folder


@pytest.fixture
def load() -> Loader:
    return Loader()


@pytest.fixture
def catalog(tmp_path: Path, load: Loader) -> Catalog:
    return Catalog(tmp_path, load)


def states(catalog: Catalog) -> dict[int, State]:
    """Of each version of the model."""
    known = catalog.statuses("m", None)
    return {version_id.version: served.state for version_id, served in known.items()}


def test_only_numbered_folders_with_a_graph_are_versions(tmp_path: Path) -> None:
    """Anything else in a model folder may be notes or a copy in progress."""
    write(tmp_path, "m/1", "m/00002", "m/3-tmp", "m/latest")
    (tmp_path / "m" / "4").mkdir()
    (tmp_path / "m" / "5").write_text("a file")
    (tmp_path / "models.config").write_text("a file")
    assert set(scan(tmp_path)) == {VersionId("m", 1), VersionId("m", 2)}
    assert scan(tmp_path / "nonesuch") == {}


def test_a_folder_that_still_changes_is_left_for_the_next_scan(
    catalog: Catalog, tmp_path: Path
) -> None:
    """Unless it is loaded already. The first scan takes what it finds."""
    write(tmp_path, "m/1")
    catalog.poll()
    write(tmp_path, "m/1", "m/2", size=2)
    catalog.poll()
    assert states(catalog) == {1: State.AVAILABLE}
    write(tmp_path, "m/2", size=3)
    catalog.poll()
    assert states(catalog) == {1: State.AVAILABLE}
    catalog.poll()
    assert states(catalog) == {1: State.END, 2: State.AVAILABLE}


def test_a_failed_version_is_tried_again_only_when_its_files_change(
    catalog: Catalog, load: Loader, tmp_path: Path
) -> None:
    """Otherwise a broken model would be reloaded every second. The old one is served meanwhile."""
    write(tmp_path, "m/1")
    catalog.poll()
    load.broken = True
    write(tmp_path, "m/2")
    for _ in range(4):
        catalog.poll()
    assert states(catalog) == {1: State.AVAILABLE, 2: State.END}
    assert load.calls == 2, "each once"
    load.broken = False
    write(tmp_path, "m/2", size=2)
    for _ in range(2):
        catalog.poll()
    assert states(catalog) == {1: State.END, 2: State.AVAILABLE}
