"""What Dataflow's workers install: the pipeline's own modules and what they use."""

import shutil
from pathlib import Path

from models.folders import ROOT

_REQUIREMENTS = ROOT / "models" / "backfill" / "requirements.txt"
_PARTS = (
    (ROOT / "shared", "parrot/**/*.py"),
    (ROOT, "models/*.py"),
    (ROOT, "models/backfill/*.py"),
    (ROOT, "models/data/*.py"),
    (ROOT, "models/data/*.csv"),
)
_SETUP = """from setuptools import find_packages, setup

setup(
    name="parrot-backfill",
    version="1",
    packages=find_packages(),
    package_data={{"": ["*.csv"]}},
    install_requires={needs!r},
)
"""


def write(folder: Path) -> Path:
    """Write the package's source to `folder`; its setup.py, for Beam's --setup_file.

    Beam itself is in the workers' image.
    """
    for root, pattern in _PARTS:
        for path in root.glob(pattern):
            target = folder / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    lines = (line.split(";")[0].strip() for line in _REQUIREMENTS.read_text().splitlines())
    needs = [line for line in lines if "==" in line and not line.startswith(("#", "apache-beam"))]
    setup = folder / "setup.py"
    setup.write_text(_SETUP.format(needs=needs), encoding="utf-8")
    return setup
