"""What functions call: the stories, with the neighbours and limits that they need."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from parrot.wiring import limits, neighbours, once, settings

if TYPE_CHECKING:
    from parrot.cache import CachedClassifier
    from parrot.classify import Classifier
    from parrot.erasure import Eraser
    from parrot.observations import Observations
    from parrot.photo.decoder import Decoder
    from parrot.process import Processor
    from parrot.reviews import Reviews
    from parrot.save import Saver
    from parrot.shadow import Shadow
    from parrot.sweep import Sweeper
    from parrot.takeout import Takeout
    from parrot.tokens import Downloads


@once
def decoder() -> Decoder:
    """For photos that a request brings: cheap ones are decoded in this process."""
    return _decoder()


def _decoder(*, isolated: bool = False) -> Decoder:
    from parrot.photo.decoder import Decoder

    return Decoder(max_pixels=settings().max_photo_pixels, isolated=isolated)


@once
def classifier() -> Classifier:
    """Raises ModelUnavailable too."""
    from parrot.classify import Classifier

    return Classifier(neighbours.bundle(), neighbours.model_server(), decoder(), shadow())


@once
def shadow() -> Shadow | None:
    """Loads the candidate beside the requests, if there is one."""
    name = settings().shadow_version
    if name is None:
        return None
    from parrot.shadow import Shadow

    return Shadow(neighbours.bundle(), partial(neighbours.candidate, name), name=name).start()


@once
def cached_classifier() -> Classifier | CachedClassifier:
    from parrot.cache import CachedClassifier

    size = settings().classify_cache
    return CachedClassifier(classifier(), size=size) if size else classifier()


@once
def saver() -> Saver:
    from parrot.save import Saver

    return Saver(
        neighbours.observation_store(),
        neighbours.photo_store(),
        decoder(),
        meter=limits.save_meter(),
        training=settings().training,
    )


@once
def processor() -> Processor:
    from parrot import progress
    from parrot.classify import Classifier
    from parrot.process import Processor

    config = settings()
    # Stored photos are retried until they are finished: one that never ends must kill its decoder,
    # not this process.
    isolated = _decoder(isolated=True)
    return Processor(
        neighbours.observation_store(),
        neighbours.photo_store(),
        Classifier(neighbours.bundle(), neighbours.model_server(), isolated, shadow()),
        partial(progress.adopted, species=neighbours.bundle().species, training=config.training),
        isolated,
        meter=limits.save_meter(),
        cpu_seconds=limits.cpu_seconds(),
        bucket=config.bucket,
        max_bytes=config.max_photo_bytes,
        max_attempts=config.process_attempts,
    )


@once
def sweeper() -> Sweeper:
    from parrot.sweep import Sweeper

    return Sweeper(
        neighbours.observation_store(),
        neighbours.photo_store(),
        processor(),
        observations(),
        bucket=settings().bucket,
    )


@once
def observations() -> Observations:
    from parrot.observations import Observations

    return Observations(
        neighbours.observation_store(),
        neighbours.late_photo_store(),
        training=settings().training,
    )


@once
def downloads() -> Downloads:
    from parrot.tokens import Downloads

    return Downloads(settings().download_secrets)


@once
def takeout() -> Takeout:
    from parrot.takeout import Takeout

    return Takeout(neighbours.observation_store(), neighbours.late_photo_store())


@once
def eraser() -> Eraser:
    from parrot.erasure import Eraser

    config, remove = settings(), None
    if config.ends_accounts:
        from parrot.adapters.firebase import FirebaseUsers, connect

        remove = FirebaseUsers(connect(config.project or "", credentialed=True)).remove
    return Eraser(
        neighbours.observation_store(),
        neighbours.photo_store(),
        observations(),
        remove_user=remove,
    )


@once
def reviews() -> Reviews:
    from parrot.model.bundle import load_labels
    from parrot.reviews import Reviews

    files, sha256 = neighbours.bundle_files()
    return Reviews(
        neighbours.observation_store(),
        neighbours.late_photo_store(),
        load_labels(files, sha256=sha256),
        training=settings().training,
    )
