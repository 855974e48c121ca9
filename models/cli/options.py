"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.folders import LOCAL

FEATURE_CACHE = LOCAL / "features.sqlite"

Photos = Annotated[
    list[Path], typer.Argument(help="Folders of photos, or CSVs (path,label,group).", exists=True)
]
Cache = Annotated[Path, typer.Option(help="File that keeps features between runs.")]
Target = Annotated[str, typer.Option("--to", help="gs://BUCKET or a folder.")]
BundleFolder = Annotated[
    Path, typer.Option("--bundle", help="Bundle folder.", exists=True, file_okay=False)
]
SpeciesFile = Annotated[
    Path, typer.Option(help="The species table, in class order.", exists=True, dir_okay=False)
]
