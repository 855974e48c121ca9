"""The composition root. Only this and `parrot.parts` build real objects, and none at import.

Each part is built once, when it is first needed; a part that failed is tried again by the next
request, so that an instance outlives a bucket that is unreachable for a minute. Builders
import what they build, so that each function's cold start pays only for what it uses.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar, cast

from parrot import logs, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.adapters.photo_store import BucketPhotos
    from parrot.budget import Budget
    from parrot.cache import CachedClassifier
    from parrot.classify import Classifier
    from parrot.config import Settings
    from parrot.http.caller import AppCheck, Identity
    from parrot.model.species import SpeciesTable
    from parrot.observations import Observations
    from parrot.process import Processor
    from parrot.quota import Meter, Visitors
    from parrot.save import Saver
    from parrot.sweep import Sweeper
    from parrot.tokens import Downloads

    T = TypeVar("T")

_MINUTE, _DAY = 60, 24 * 60 * 60
settings = parts.settings


class _Late:
    """Stands for a part that is built when one of its methods is first looked up."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> object:
        return getattr(self._build(), name)


def start() -> Settings:
    """Configure logging, then read the settings. Every entry point calls this first.

    Raises BadConfig.
    """
    logs.configure(os.environ.get("GOOGLE_CLOUD_PROJECT"))
    config = parts.settings()
    logs.key_users(config.download_secrets[0] if config.download_secrets else None)
    return config


@parts.once
def body_budget() -> Budget:
    """The budget that the bodies of all requests share."""
    from parrot.budget import BODY_BYTES, Budget

    return Budget(BODY_BYTES)


@parts.once
def classifier() -> Classifier:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.classify import Classifier

    return Classifier(parts.bundle(), parts.model_server(), parts.decoder())


@parts.once
def cached_classifier() -> Classifier | CachedClassifier:
    """Remembers answers. Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.cache import CachedClassifier

    size = parts.settings().classify_cache
    return CachedClassifier(classifier(), size=size) if size else classifier()


@parts.once
def classify_meter() -> Meter:
    """Raises BadConfig."""
    from parrot.quota import Meter, Quota

    return Meter(
        parts.observation_store,
        Quota("classifications", parts.settings().classifications_per_minute, _MINUTE),
    )


@parts.once
def visitors() -> Visitors:
    """Raises BadConfig."""
    from parrot.quota import Visitors

    return Visitors(parts.settings().classifications_per_address)


@parts.once
def relabel_meter() -> Meter:
    """Raises BadConfig."""
    from parrot.quota import Meter, Quota

    return Meter(
        parts.observation_store, Quota("relabels", parts.settings().relabels_per_day, _DAY)
    )


@parts.once
def saver() -> Saver:
    """Raises BadConfig, StoreUnavailable."""
    from parrot.save import Saver

    return Saver(
        parts.observation_store(),
        parts.photo_store(),
        parts.decoder(),
        meter=_save_meter(),
    )


@parts.once
def processor() -> Processor:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.budget import DECODING_BYTES, Budget
    from parrot.classify import Classifier
    from parrot.photo.decoder import Decoder
    from parrot.process import Processor

    config = parts.settings()
    # Stored photos come back until they are finished: one that takes for ever must end its decoder,
    # not this process.
    decoder = Decoder(Budget(DECODING_BYTES), max_pixels=config.max_photo_pixels, isolated=True)
    bundle = parts.bundle()
    return Processor(
        parts.observation_store(),
        parts.photo_store(),
        Classifier(bundle, parts.model_server(), decoder),
        bundle.species,
        decoder,
        meter=_save_meter(),
        bucket=config.bucket,
        max_bytes=config.max_photo_bytes,
        max_attempts=config.process_attempts,
    )


@parts.once
def sweeper() -> Sweeper:
    """Raises BadConfig, BadBundle, StoreUnavailable."""
    from parrot.observations import Observations
    from parrot.sweep import Sweeper

    store, photos = parts.observation_store(), parts.photo_store()
    return Sweeper(
        store, photos, processor(), Observations(store, photos), bucket=parts.settings().bucket
    )


@parts.once
def observations() -> Observations:
    """Raises BadConfig, StoreUnavailable."""
    from parrot.observations import Observations

    # A list needs no bucket, whose client takes 0.2 s to import.
    return Observations(parts.observation_store(), cast("BucketPhotos", _Late(parts.photo_store)))


@parts.once
def downloads() -> Downloads:
    """Raises BadConfig."""
    from parrot.tokens import Downloads

    return Downloads(parts.settings().download_secrets)


@parts.once
def identity() -> Identity:
    """Raises BadConfig."""
    if parts.settings().identity == "local":
        from parrot.adapters.identity import LocalIdentity

        return LocalIdentity()
    from parrot.adapters.firebase import FirebaseIdentity  # 0.2 s

    return FirebaseIdentity(parts.firebase(), check_revoked=parts.settings().check_revoked)


@parts.once
def app_check() -> AppCheck:
    """Raises BadConfig."""
    from parrot.adapters.firebase import FirebaseAppCheck  # 0.2 s

    return FirebaseAppCheck(parts.firebase())


@parts.once
def species() -> SpeciesTable:
    """The classes of the bundle in use, without its gate.

    Raises BadConfig, BadBundle, StoreUnavailable.
    """
    from parrot.model.bundle import load_species

    files, sha256 = parts.bundle_files()
    return load_species(files, sha256=sha256)


@parts.once
def _save_meter() -> Meter:
    """Counts what `save` stores, and what phones upload directly."""
    from parrot.quota import Meter, Quota

    return Meter(parts.observation_store, Quota("saves", parts.settings().saves_per_day, _DAY))
