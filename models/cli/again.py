"""The commands that judge stored photos again and change nothing: shadow, replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from models.cli import console, judges, stores
from models.cli.console import Bucket, Store

if TYPE_CHECKING:
    from models.backfill.shadow import Compared, Comparison
    from models.report.report_file import ChangedAnswer
    from parrot.store import PhotoStore

# ruff: noqa: PLC0415 - as in `models.cli`

commands = typer.Typer()
ModelServer = Annotated[
    str | None,
    typer.Option("--model-server", help="URL of a TF Serving REST API; else the local stack's."),
]
_MOST_PICTURES = 300  # in one page


@commands.command()
def shadow(  # noqa: PLR0913 - the options of one command
    observations: Store,
    bucket: Bucket,
    candidate: Annotated[str, typer.Argument(help="gs://BUCKET/bundles/VERSION, or a folder.")],
    *,
    bundle: Annotated[
        str | None, typer.Option("--bundle", help="In use, as CANDIDATE; else the local stack's.")
    ] = None,
    model_server: ModelServer = None,
    html: Annotated[
        Path | None, typer.Option(help="HTML page to write, with the photos to look at.")
    ] = None,
    most: Annotated[int | None, typer.Option(min=1, help="Stop after this many.")] = None,
) -> None:
    """Print who would get another answer from a candidate, over the photos that people saved.

    Both bundles judge one pass through the network, as functions do with SHADOW_BUNDLE.
    """
    from itertools import islice

    from models.backfill.shadow import Comparer, judged
    from parrot.adapters.bucket import BucketPhotos
    from parrot.config import MAX_PHOTO_BYTES

    with console.errors(), judges.decoder() as decoder, console.progress() as (progress, _):
        store = stores.observations(observations)
        photos = BucketPhotos(stores.storage(observations), bucket)
        comparer = Comparer(
            photos,
            judges.in_use(observations, bundle),
            judges.bundle(observations, candidate),
            judges.model_server(observations, model_server),
            decoder,
            MAX_PHOTO_BYTES,
        )
        chosen = list(islice(judged(store.everything()), most))
        comparison = comparer.compare_all(chosen, advance=progress("photos", len(chosen)))
        versions = (comparer.bundle.manifest.version, comparer.candidate.manifest.version)
    _show(comparison, versions)
    if html is not None:
        with console.errors():
            _write_page(html, comparison, versions, photos)


@commands.command()
def replay(
    observations: Store,
    bucket: Bucket,
    photo: Annotated[str, typer.Argument(help="Handle, as shadow prints it, UID/ID, or id.")],
    *,
    bundles: Annotated[
        str | None,
        typer.Option(help="gs://BUCKET of bundles, or its copy; else the local stack's."),
    ] = None,
    model_server: ModelServer = None,
) -> None:
    """Decide a stored photo again, with the bundle of its verdict, and compare every digit.

    Exits with 1 if the decision cannot be made again, or comes out otherwise.
    """
    from models.backfill.replay import Replayer, find
    from parrot.adapters.bucket import BucketPhotos
    from parrot.config import MAX_PHOTO_BYTES

    with console.errors(), judges.decoder() as decoder, console.err.status("deciding again"):
        replayed = Replayer(
            BucketPhotos(stores.storage(observations), bucket),
            lambda version: judges.published(observations, bundles, version),
            judges.model_server(observations, model_server),
            decoder,
            MAX_PHOTO_BYTES,
        ).replay(find(stores.observations(observations), photo))
    table = Table("", *(Column(name, overflow="fold") for name in ("stored", "now", "difference")))
    for name, (then, now) in replayed.differences.items():
        by = replayed.by(name)
        texts = (name, str(then), str(now), "" if by is None else f"{by:.1g}")
        table.add_row(*map(escape, texts))
    if replayed.differences:
        console.out.print(table)
    console.out.print(replayed.sentence(), soft_wrap=True, highlight=False)
    if replayed.contradicted:
        raise typer.Exit(1)


def _show(comparison: Comparison, versions: tuple[str, str]) -> None:
    """Counts by kind of change, then every photo that changes."""
    counts = Table("change", "photos")
    for change, photos in comparison.changes.most_common():
        counts.add_row(change, str(photos))
    if comparison.changed:
        console.out.print(counts)
    for change in comparison.changes:
        table = Table(title=change, title_justify="left")
        table.add_column("photo, and its label", no_wrap=True)
        for version in versions:
            table.add_column(version, overflow="fold")
        for one in (one for one in comparison.changed if one.change == change):
            line = _line(one)
            texts = (f"{line.handle}\n{line.label}", line.before, line.after)
            table.add_row(*map(escape, texts))
        console.out.print(table)
    console.out.print(_sentence(comparison, versions), soft_wrap=True, highlight=False)


def _sentence(comparison: Comparison, versions: tuple[str, str]) -> str:
    before, after = versions
    text = (
        f"{len(comparison.changed)} of {comparison.photos} photos would get another answer from"
        f" {after} than from {before}"
    )
    if comparison.looked_elsewhere:
        text += (
            f"; {comparison.looked_elsewhere} would be looked at again, or no longer, so that their"
            " answer may still differ"
        )
    left_out = ", ".join(f"{count} {why}" for why, count in comparison.left_out.most_common())
    return f"{text}; left out: {left_out}" if left_out else text


def _line(one: Compared, picture: bytes | None = None) -> ChangedAnswer:
    from models.backfill.shadow import told
    from models.report.report_file import ChangedAnswer
    from parrot.review import handle

    observation, label = one.observation, one.observation.label
    return ChangedAnswer(
        handle=handle(observation.uid, observation.id),
        change=one.change or "",
        label="no label" if label is None else label.species,
        before=told(one.before),
        after=told(one.after),
        picture=picture,
    )


def _write_page(
    path: Path, comparison: Comparison, versions: tuple[str, str], photos: PhotoStore
) -> None:
    from models.report import report_file

    rows = []
    for one in comparison.changed[:_MOST_PICTURES]:
        derived = one.observation.derived
        shown = derived.image if derived is not None and one.observation.may_train else None
        clean = None if shown is None else photos.open(shown)
        rows.append(_line(one, None if clean is None else clean.read(0, clean.size)))
    report_file.write_shadow(path, rows, versions, _sentence(comparison, versions))
    console.err.print(f"page: {path}", soft_wrap=True)
