"""The command that looks for drift in the log."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from models.cli import console
from models.cli.console import BundleFolder
from models.folders import DEFAULT_BUNDLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.baseline import PhotoLine

commands = console.Commands()
_DRIFT = 3


@commands.command()
def drift(
    lines: Annotated[
        list[Path], typer.Argument(help="Exported lines of a week, or a local log; - for stdin.")
    ],
    *,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Lines of an earlier time, not the bundle's baseline; repeatable."),
    ] = None,
    bundle: BundleFolder = DEFAULT_BUNDLE,
) -> None:
    """Compare the photos of a week with what is usual, by version of the app that sent them.

    The lines: gcloud logging read 'jsonPayload.message="photo"' --freshness=7d --format=json.
    Compare with an earlier week as soon as there is one: people photograph in another way than a
    training set was. Exit code 0: nothing; 3: drift, with a sentence about each; 1: not judged.
    """
    from models.evaluation import baseline, drift
    from parrot.adapters.bucket import FolderFiles
    from parrot.model.manifest import MANIFEST, Manifest

    manifest = Manifest.parse(FolderFiles(bundle).read(MANIFEST))
    if against:
        usual = baseline.of_each(_of(manifest.version, against))
    elif baseline.NAME in manifest.files:
        kept = baseline.Baseline.load(FolderFiles(bundle).read(baseline.NAME))
        usual = (kept, kept)
    else:
        raise ValueError(
            f"bundle {manifest.version} is of an older kind, without {baseline.NAME}:"
            " compare with an earlier week, --against LINES"
        )
    rows = drift.compare(usual, _of(manifest.version, lines))
    if not rows:
        raise ValueError(f"too few photos to judge: {drift.LEAST} of a version are needed")
    headings = ("app", "measure", "photos", "usual", "now", "index")
    table = console.headed(*headings, texts={"app", "measure"})
    for row in rows:
        cells = (escape(row.app), row.seen[0], f"{row.now.photos}", *row.seen[1:])
        table.add_row(*cells, f"{row.index:.2f}", style="red" if row.drift else "")
    console.out.print(table)
    found = [row.sentence for row in rows if row.drift]
    for sentence in found or ["no drift"]:
        console.out.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(_DRIFT)


def _of(version: str, files: Sequence[Path]) -> list[PhotoLine]:
    """The lines of one bundle; says how many there are of others. Raises OSError."""
    from models.evaluation.baseline import parsed

    every = [line for file in files for line in parsed(_text(file))]
    for other, count in Counter(line.bundle for line in every).items():
        if other != version:
            console.logged(f"left out: {count} photos of bundle {other}, see --bundle")
    return [line for line in every if line.bundle == version]


def _text(file: Path) -> str:
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    return data.decode(errors="replace")
