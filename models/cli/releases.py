"""Commands around published bundles: publish, list, promote, rollback."""

from pathlib import Path
from typing import Annotated

import typer

from models.cli import console
from models.cli.console import BundleFolder, Target
from models.folders import DEFAULT_BUNDLE

commands = console.Commands()


@commands.command()
def publish(
    to: Target,
    bundle: BundleFolder = DEFAULT_BUNDLE,
    key: Annotated[
        Path | None, typer.Option(help="Sign it with this Ed25519 private key (PEM).")
    ] = None,
    *,
    noted: Annotated[
        bool, typer.Option("--noted", help="Of a retrained one: export-saved --for noted it.")
    ] = False,
) -> None:
    """Upload a bundle as a new version and read it back. Versions are never overwritten."""
    from models.publishing import releases
    from models.publishing.release_store import open_store
    from parrot.adapters.bucket import FolderFiles

    signer = releases.Signer.load(key) if key is not None else None
    release, new = releases.publish(FolderFiles(bundle), open_store(to), signer, noted=noted)
    console.out.print(f"{release.version} {'published' if new else 'is already published'}")
    console.out.print("pin it with:", style="dim")
    pin = f"MODEL_BUNDLE={release.version} MODEL_BUNDLE_SHA256={release.manifest_sha256}"
    console.out.print(pin, soft_wrap=True)
    if signer is not None:
        console.out.print(f"MODEL_BUNDLE_PUBLIC_KEY={signer.public}", soft_wrap=True)


@commands.command(name="list")
def list_(to: Target) -> None:
    """List the published versions and show which one is current."""
    from models.publishing import releases
    from models.publishing.release_store import open_store

    store = open_store(to)
    versions, current = releases.published(store), releases.current(store)
    now = current.now if current is not None else None
    if not versions:
        console.logged(f"no version is published in {to}")
    for release in versions:
        since = f"  current since {now.promoted}" if now and now.version == release.version else ""
        # In one piece, however narrow the terminal: it is copied into settings.
        console.out.print(f"{release.version}  {release.manifest_sha256}{since}", soft_wrap=True)


@commands.command()
def promote(version: str, to: Target) -> None:
    """Make functions without a pinned version use this one from their next start."""
    from models.publishing import releases
    from models.publishing.release_store import open_store

    promotion = releases.promote(version, open_store(to))
    console.out.print(
        f"{promotion.version} is current; manifest {promotion.manifest_sha256}", soft_wrap=True
    )


@commands.command()
def rollback(to: Target) -> None:
    """Go back to the version that was current before."""
    from models.publishing import releases
    from models.publishing.release_store import open_store

    promotion = releases.rollback(open_store(to))
    console.out.print(
        f"{promotion.version} is current again; manifest {promotion.manifest_sha256}",
        soft_wrap=True,
    )
