"""What a backfill sends to Dataflow's workers stands on its own."""

import sys
from pathlib import Path

from models.backfill import package
from tests.support.commands import printed


def test_workers_get_everything_that_they_import_and_no_tensorflow(tmp_path: Path) -> None:
    """A module that is missing there would only show after minutes, and cost money."""
    setup = package.write(tmp_path)
    code = (
        "import sys, models.backfill.job, models.backfill.package, parrot.adapters.firestore\n"
        "import models.data.wanted\n"
        "assert models.data.wanted.known('nestor-notabilis'), 'the taxonomy is there'\n"
        "assert not {'tensorflow', 'sklearn', 'flask'} & set(sys.modules)\n"
        "print(models.backfill.job.__file__)\n"
    )
    told = printed(sys.executable, "-c", code, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert Path(told.strip()).is_relative_to(tmp_path)
    needs = setup.read_text()
    assert "google-cloud-storage==" in needs
    assert "apache-beam" not in needs
