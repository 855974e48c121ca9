"""Commands about one person: forget, receipt (checks what they were told), reviewer, unsay."""

import base64
import json
from pathlib import Path
from typing import Annotated

import typer

from models.cli import console
from models.cli.console import Bucket, Store
from models.data import stores

commands = console.Commands()


@commands.command()
def forget(
    observations: Store,
    bucket: Bucket,
    uid: Annotated[str, typer.Argument(help="Whom: Firebase's uid, or a name locally.")],
    *,
    key: Annotated[
        str, typer.Option(envvar="RECEIPT_KEY", help="The deployment's, to sign the receipt.")
    ] = "",
) -> None:
    """Remove everything that is kept about a person, and print the receipt. Safe to repeat."""
    from parrot.environment import Reader
    from parrot.erasure import Eraser
    from parrot.http.rights import signed
    from parrot.observations import Observations
    from parrot.quota import User

    with console.err.status("removing"):
        read = Reader({"RECEIPT_KEY": key})
        seed = read.seed("RECEIPT_KEY")
        read.finish()  # a wrong key is refused before anything is removed
        store = stores.observations(observations)
        photos = stores.photos(observations, bucket)
        eraser = Eraser(store, photos, Observations(store, photos))
        receipt = signed(eraser.erase(User(uid)), seed, account=False)
    console.out.print_json(json.dumps(receipt))


@commands.command()
def receipt(
    file: Annotated[Path, typer.Argument(help="What DELETE /me or forget answered.", exists=True)],
    *,
    key: Annotated[str, typer.Option(help="The deployment's `receipt_key`, from GET /me.")],
) -> None:
    """Check that the deployment signed a receipt, and say what is in it."""
    from parrot.receipt import verified

    try:
        signed, public_key = json.loads(file.read_bytes()), base64.b64decode(key, validate=True)
    except ValueError as error:
        raise ValueError(f"{file} is not JSON, or --key is not a `receipt_key`: {error}") from error
    told = verified(signed, public_key)
    learnt = ", ".join(told["bundles"]) or "no bundle"
    console.out.print(
        f"genuine: {told['observations']} observations of {told['user']} were removed, the last at"
        f" {told['finished']}; {learnt} had been fitted on some of them",
        soft_wrap=True,
    )


@commands.command()
def reviewer(
    project: Annotated[str, typer.Argument(help="Google Cloud project.")],
    uid: Annotated[str, typer.Argument(help="Firebase's uid.")],
    *,
    allow: Annotated[bool, typer.Option("--allow/--revoke", help="Grant it, or take it.")] = True,
) -> None:
    """Let a user review other people's photos, or no longer; locally: up --reviewer NAME.

    Their sessions end. A token that they have lasts up to an hour, but not with CHECK_REVOKED.
    """
    from parrot.adapters.firebase import FirebaseUsers, connect

    FirebaseUsers(connect(project, credentialed=True)).let_review(uid, allowed=allow)
    console.out.print(f"{uid} {'may' if allow else 'may no longer'} review: they sign in again")


@commands.command()
def unsay(
    observations: Store,
    uid: Annotated[str, typer.Argument(help="A reviewer: Firebase's uid, or a name locally.")],
) -> None:
    """Take back all that a reviewer decided, so that others decide again. Safe to repeat.

    For one who lied, after reviewer --revoke: else what they settled trains for ever. Reads every
    observation.
    """
    from parrot.quota import User
    from parrot.reviews import unsay as take_back

    with console.err.status("taking back"):
        count = take_back(stores.observations(observations), User(uid))
    console.out.print(f"photos that are as if {uid} had never seen them: {count}", soft_wrap=True)
