"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.folders import LOCAL

FEATURE_CACHE = LOCAL / "features.sqlite"

Photos = Annotated[
    list[Path], typer.Argument(help="Photo folders or CSVs (path,label,group).", exists=True)
]
Cache = Annotated[Path, typer.Option(help="Where features are kept between runs.")]
Target = Annotated[str, typer.Option("--to", help="gs://BUCKET or a folder.")]
BundleFolder = Annotated[Path, typer.Option("--bundle", help="Bundle folder.", exists=True)]
SpeciesFile = Annotated[Path, typer.Option(help="species.csv, in class order.")]
