"""Commands that ask about stored photos again and change nothing: shadow, replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from models.cli import console
from models.cli.console import Bucket, ModelServer, Store
from models.data import stores
from parrot.consent import Training

if TYPE_CHECKING:
    from models.backfill.shadow import Compared, Comparison
    from models.report.report_file import ChangedAnswer
    from parrot.observation import Observation
    from parrot.store import ObservationStore, PhotoStore

commands = console.Commands()
_MOST_PICTURES = 300  # in one page


@commands.command()
def shadow(
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

    from models.backfill.reclassify import processed
    from models.backfill.shadow import Comparer
    from parrot.config import MAX_PHOTO_BYTES

    with stores.decoder() as decoder, console.progress() as (progress, _):
        store = stores.observations(observations)
        photos = stores.photos(observations, bucket)
        comparer = Comparer(
            photos,
            stores.bundle(observations, bundle),
            stores.bundle(observations, candidate),
            stores.model_server(observations, model_server),
            decoder,
            MAX_PHOTO_BYTES,
        )
        chosen = list(islice(filter(processed, store.everything()), most))
        comparison = comparer.compare_all(chosen, advance=progress("photos", len(chosen)))
    _show(comparison)
    if html is not None:
        trains = stores.training(observations) is not Training.OFF
        _write_page(html, comparison, store, photos, shown=trains)


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
    from parrot.config import MAX_PHOTO_BYTES

    with stores.decoder() as decoder, console.err.status("deciding again"):
        replayed = Replayer(
            stores.photos(observations, bucket),
            lambda version: stores.published(observations, bundles, version),
            stores.model_server(observations, model_server),
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


def _show(comparison: Comparison) -> None:
    """Counts by kind of change, then every photo that changes."""
    counts = Table("change", "photos")
    for change, photos in comparison.changes.most_common():
        counts.add_row(change, str(photos))
    if comparison.changed:
        console.out.print(counts)
    for change in comparison.changes:
        table = Table(title=change, title_justify="left")
        table.add_column("photo, and its label", no_wrap=True)
        for version in comparison.versions:
            table.add_column(version, overflow="fold")
        for one in (one for one in comparison.changed if one.change == change):
            line = _line(one)
            texts = (f"{line.handle}\n{line.label}", line.before, line.after)
            table.add_row(*map(escape, texts))
        console.out.print(table)
    console.out.print(comparison.sentence(), soft_wrap=True, highlight=False)


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
    path: Path, comparison: Comparison, store: ObservationStore, photos: PhotoStore, *, shown: bool
) -> None:
    from models.report import report_file

    changed = comparison.changed[:_MOST_PICTURES]
    rows = [
        _line(one, picture(one.observation, store, photos) if shown else None) for one in changed
    ]
    report_file.write_shadow(path, rows, comparison.versions, comparison.sentence())
    console.err.print(f"page: {path}", soft_wrap=True)


def picture(judged: Observation, store: ObservationStore, photos: PhotoStore) -> bytes | None:
    """The clean copy, if its owner still allows training: judging all photos takes hours."""
    now = store.get(judged.uid, judged.id)
    if now is None or not (now.may_train and now.processed and now.derived):
        return None
    clean = photos.open(now.derived.image)
    return None if clean is None else clean.read(0, clean.size)
