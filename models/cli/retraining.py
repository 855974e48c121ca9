"""The command that makes a better bundle of what people saved: retrain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.cli import console
from models.cli.console import Bucket, Store
from models.data import stores
from models.folders import DEFAULT_BUNDLE, LOCAL

if TYPE_CHECKING:
    from models.publishing.release_store import ReleaseStore
    from models.training.retraining import Retrained

commands = console.Commands()
REFUSED = 3  # the exit code where something guarded got worse

To = Annotated[
    str, typer.Option("--to", help="gs://BUCKET or a folder, to publish the candidate in.")
]
InUse = Annotated[
    Path | None,
    typer.Option(
        help="Bundle folder to start from; default: what is current in --to, else models/default.",
        exists=True,
        file_okay=False,
    ),
]


@commands.command()
def retrain(
    observations: Store,
    bucket: Bucket,
    *,
    to: To,
    bundle: InUse = None,
    version: Annotated[
        str | None, typer.Option(help="The candidate's version; default: today's date.")
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(help="Make this kind a class, the last one; repeatable.", metavar="KIND"),
    ] = None,
    work: Annotated[
        Path, typer.Option(help="Folder for the photos, their features and the candidate.")
    ] = LOCAL / "retrain",
    key: Annotated[
        Path | None, typer.Option(help="Sign it with this Ed25519 private key (PEM).")
    ] = None,
) -> None:
    """Refit the heads of the bundle in use on saved photos, and publish the candidate.

    Every fifth person's photos judge both; it is published only if no guarded figure gets worse,
    and never promoted. If it is interrupted, the same command goes on. Exit code 3: got worse.
    """
    from models.data.features import Extractor
    from models.publishing import releases
    from models.publishing.release_store import open_store
    from models.training.retraining import Order, alone
    from models.training.retraining import retrain as retrain_bundle

    with alone(work), console.progress() as (progress, step):
        published = open_store(to)
        name = version or f"{datetime.now(UTC):%Y-%m-%d}"
        in_use = bundle or _in_use(published, work / "in-use")
        order = Order(
            in_use,
            name,
            releases.model_version(name, in_use, published),
            work,
            tuple(add or ()),
            stores.training(observations),
            signer=releases.Signer.load(key) if key is not None else None,
        )
        done = retrain_bundle(
            order,
            stores.observations(observations),
            stores.photos(observations, bucket),
            Extractor(work / "features.sqlite"),
            published,
            progress=progress,
            step=step,
        )
    _show(done)
    if not done.accepted:
        raise typer.Exit(REFUSED)


def _in_use(published: ReleaseStore, folder: Path) -> Path:
    from models.publishing import releases

    current = releases.current(published)
    if current is None:
        return DEFAULT_BUNDLE
    releases.fetch(current.now, published, folder, stores.trusted())
    return folder


def _show(done: Retrained) -> None:
    """One page: what was learned from, how both did, and what follows."""
    exported, version = done.exported, done.order.version
    left_out = ", ".join(f"{count} {why}" for why, count in exported.left_out.most_common())
    console.out.print(
        f"{len(exported.learners)} photos of {done.people} people to learn from,"
        f" {exported.exam} of {done.examiners} people for the exam; left out: {left_out or 'none'}",
        soft_wrap=True,
    )
    for kind in exported.wanted:
        console.out.print(str(kind), soft_wrap=True)
    console.out.print(console.compared(done.tables, ("in use", version)))
    if done.kept:
        kept = f"not refitted, for want of photos to judge by: {', '.join(done.kept)}"
        console.out.print(kept, soft_wrap=True)
    if done.worse:
        console.out.print(f"[red]not published, worse: {'; '.join(done.worse)}", soft_wrap=True)
    elif done.release is None:
        console.out.print("[red]not published: there was nothing to compare", soft_wrap=True)
    else:
        pin = f"MODEL_BUNDLE={version} MODEL_BUNDLE_SHA256={done.release.manifest_sha256}"
        console.out.print(f"{version} is published, nothing follows it yet: {pin}", soft_wrap=True)
    console.out.print(f"bundle: {done.folder}", soft_wrap=True)
