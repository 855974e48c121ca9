"""Options that several commands share, and the folders that they default to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parent.parent.parent
DEFAULT_BUNDLE = ROOT / "models" / "default"
LOCAL = ROOT / ".local"
FEATURE_CACHE = LOCAL / "features.sqlite"
MODEL_FOLDER = LOCAL / "models"

Photos = Annotated[
    list[Path], typer.Argument(help="Photo folders or CSVs (path,label,group).", exists=True)
]
Cache = Annotated[Path, typer.Option(help="Where features are kept between runs.")]
Target = Annotated[str, typer.Option("--to", help="gs://BUCKET or a folder.")]
BundleFolder = Annotated[Path, typer.Option("--bundle", help="Bundle folder.", exists=True)]
SpeciesFile = Annotated[Path, typer.Option(help="species.csv, in class order.")]
