"""How the command line names places: stores of observations, and bundles."""

_GS = "gs://"


def store(name: str) -> tuple[str, str, str | None]:
    """The kind, the path or project, and the database if it is named. Raises ValueError."""
    kind, _, place = name.partition(":")
    if kind == "sqlite" and place:
        return kind, place, None
    project, _, database = place.partition("/")
    if kind == "firestore" and project:
        return kind, project, database or None
    raise ValueError(f"{name!r} is neither sqlite:PATH nor firestore:PROJECT[/DATABASE]")


def published(bundle: str) -> tuple[str, str] | None:
    """The bucket and the version of a published bundle, None for a folder. Raises ValueError."""
    if not bundle.startswith(_GS):
        return None
    bucket, _, path = bundle.removeprefix(_GS).partition("/")
    version = path.removeprefix("bundles/").strip("/")
    if not version:
        raise ValueError(f"{bundle!r} is neither gs://BUCKET/bundles/VERSION nor a folder")
    return bucket, version
