"""How photos are classified: one, or several of one bird."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from parrot import logs
from parrot.errors import BadModelResponse, InvalidImage, TogetherTooLong, TooExpensive
from parrot.model.decision import (
    decide,
    decided,
    describe,
    geometric_mean,
    in_doubt,
    score,
    sees_nothing,
    surer,
)
from parrot.model.look import WINDOWS, window
from parrot.model.reason import Evidence, measure, why
from parrot.photo import images
from parrot.records import Basis, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from parrot.model.bundle import Bundle
    from parrot.model.look import SecondLook
    from parrot.model.reason import Quality
    from parrot.model.served_model import ServedModel
    from parrot.photo.decoder import Decoder
    from parrot.records import (
        Classification,
        Decision,
        Floats,
        Photo,
        Prediction,
        Raster,
        Reason,
    )

_EDGES = 4  # of a focus


class ModelServer(Protocol):
    """Runs the forward pass: TF Serving on Cloud Run, Vertex AI, or the local server."""

    def predict(self, model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        """Photos through one model, in their order.

        `payloads` are what `images.payload` made for the model's input. Raises ModelUnavailable,
        ModelTimeout, BadModelResponse.
        """

    def version(self, model: ServedModel) -> str:
        """The version in use now. Raises ModelUnavailable, ModelTimeout."""


class Stopwatch:
    """How long each step took; started when it is made."""

    def __init__(self) -> None:
        self.laps: tuple[Timing, ...] = ()
        self._last = time.perf_counter()

    def lap(self, step: str, description: str | None = None) -> None:
        """The step that began with the last lap is over."""
        now = time.perf_counter()
        self.laps += (Timing(step, (now - self._last) * 1000, description),)
        self._last = now


class Classifier:
    """Photo in, verdict and species out."""

    def __init__(
        self,
        bundle: Bundle,
        server: ModelServer,
        decoder: Decoder,
        hears: Callable[[Basis, Classification], None] | None = None,
    ) -> None:
        """Nothing is loaded or requested here; `hears` is told of every answer."""
        self.bundle, self._classes = bundle, bundle.manifest.served_classes
        self._server, self._decoder, self._hears = server, decoder, hears
        self._score = partial(score, bundle)

    def classify(self, photo: Photo) -> Classification:
        """The answer for one photo.

        Raises InvalidImage, Overloaded, DecoderUnavailable, ModelUnavailable, ModelTimeout,
        BadModelResponse.
        """
        return self.classify_each((photo,))[0]

    def classify_each(self, photos: Sequence[Photo]) -> tuple[Classification, ...]:
        """The answer for each photo; all share one request, and one more where there is doubt.

        Each has the timings of all. Raises as `classify`; InvalidImage says which one of several.
        """
        clock = Stopwatch()
        looks = self._look(photos, clock)
        looks = self._look_again(looks, clock)
        looks = self._look_with_another_model(looks, clock)
        return tuple(self._answer(look, clock.laps) for look in looks)

    def versions(self) -> tuple[str, ...]:
        """NAME/VERSION of every model in use now: the readiness check."""
        return tuple(self._server.version(model) for model in self.bundle.manifest.models)

    def _look(self, photos: Sequence[Photo], clock: Stopwatch) -> list[_Look]:
        extractor, *second = self.bundle.manifest.models
        rasters = []
        for number, photo in enumerate(photos):
            with _about(number, photos):
                rasters.append(self._decoder.pixels(photo, extractor.input))
        payloads = [images.payload(raster, extractor.input) for raster in rasters]
        clock.lap("decode")
        predictions = self._server.predict(extractor, payloads)
        clock.lap("model")
        role = "extractor" if second else "classifier"
        looks = [
            self._first_look(photo, raster, seen, ((role, seen.model_version),))
            for photo, raster, seen in zip(photos, rasters, predictions, strict=True)
        ]
        clock.lap("gate")
        return looks

    def _first_look(
        self, photo: Photo, raster: Raster, seen: Prediction, versions: tuple[tuple[str, str], ...]
    ) -> _Look:
        basis = Basis(self._features(seen)[None])
        return _Look(photo, raster, seen, decided(self.bundle, basis), versions, basis)

    def _look_again(self, looks: list[_Look], clock: Stopwatch) -> list[_Look]:
        """In doubt what the first look and closer ones say, all of those in one request."""
        policy = self.bundle.manifest.rules.second_look
        if policy is None:
            return looks
        doubtful = [n for n, look in enumerate(looks) if in_doubt(look.decision, policy)]
        if not doubtful:
            return looks
        (model,) = self.bundle.manifest.models
        closer: list[list[bytes | Floats]] = []
        try:
            for number in doubtful:
                with _about(number, looks):
                    closer.append(self._closer(looks[number], policy))
        except TooExpensive:
            if len(looks) > 1:  # an answer must not depend on the photos beside it
                raise
            return looks  # what the first look saw is true of a photo that takes long
        seen = iter(self._server.predict(model, [view for views in closer for view in views]))
        looks = list(looks)
        for number, parts in zip(doubtful, closer, strict=True):
            looks[number] = self._combined(looks[number], [next(seen) for _ in parts], policy)
        clock.lap("look-again")
        return looks

    def _look_with_another_model(self, looks: list[_Look], clock: Stopwatch) -> list[_Look]:
        """As the first version did: another model names the species, of possible parrots only."""
        another = self.bundle.manifest.models[1:]
        if not another:
            return looks
        parrots = [number for number, look in enumerate(looks) if look.decision.is_named]
        looks = list(looks)
        for model in another if parrots else ():
            payloads = [
                images.payload(self._decoder.pixels(looks[number].photo, model.input), model.input)
                for number in parrots
            ]
            predictions = self._server.predict(model, payloads)
            for number, seen in zip(parrots, predictions, strict=True):
                versions = (*looks[number].versions, ("classifier", seen.model_version))
                looks[number] = replace(looks[number], seen=seen, versions=versions)
            clock.lap("species")
        return looks

    def _answer(self, look: _Look, timings: tuple[Timing, ...]) -> Classification:
        named, quality = bool(look.decision.is_named), measure(look.raster.pixels)
        embedding = self.bundle.embedding
        answer = describe(
            self.bundle,
            self._named(look) if named else look.decision,
            models=look.versions,
            sha256=look.photo.sha256,
            size=(look.raster.width, look.raster.height),
            reason=None if named else self._reason(look, quality),
        )
        if self._hears is not None:
            self._hears(look.basis, answer)
        focus = None if look.seen.focus is None else tuple(_focus(look.seen.focus))
        embedded = None if embedding is None else embedding.embedded(look.basis.features[0])
        answer = replace(answer, timings=timings, focus=focus, embedded=embedded)
        logs.photo(answer, quality)
        return answer

    def _named(self, look: _Look) -> Decision:
        """With the served model's names: without heads, those of a parrot come from them."""
        rules, seen = self.bundle.manifest.rules, look.seen
        probabilities = _finite("probabilities", seen.probabilities, self._classes)
        scores = replace(look.decision.scores, probabilities=probabilities)
        if scores.species is None and rules.conformal is not None:
            scores = replace(scores, logits=_finite("logits", seen.logits, self._classes))
        return decide(scores, rules)

    def _reason(self, look: _Look, quality: Quality) -> Reason | None:
        """Why it is not a parrot, if the bundle can tell."""
        policy, scores = self.bundle.manifest.rules.reasons, look.decision.scores
        if policy is None or scores.others is None:
            return None
        short_side = window(_focus(look.seen.focus), look.raster.width, look.raster.height)
        return why(Evidence.of(scores, short_side, quality.sharpness, quality.brightness), policy)

    def _closer(self, look: _Look, policy: SecondLook) -> list[bytes | Floats]:
        """What to look at again of one photo, as payloads."""
        (model,) = self.bundle.manifest.models
        raster, foci = look.raster, [_focus(look.seen.focus)]
        views = policy.views
        if sees_nothing(look.decision.scores, policy):
            views, foci = WINDOWS, [*foci, _focus(look.seen.second_focus)]
        boxes = policy.boxes(views, foci, raster.width, raster.height)
        parts = self._decoder.parts(look.photo, model.input, boxes)
        return [images.payload(part, model.input) for part in parts]

    def _combined(self, look: _Look, closer: Sequence[Prediction], policy: SecondLook) -> _Look:
        """What a photo's first look and the closer ones say."""
        nothing = bool(sees_nothing(look.decision.scores, policy))
        if nothing:
            windows = np.stack([self._features(seen) for seen in closer])
            closer = [closer[int(surer(self._score, windows))]]
        every, classes = (look.seen, *closer), self._classes
        basis = Basis(np.stack([self._features(seen) for seen in every]), nothing)
        probabilities = [_finite("probabilities", seen.probabilities, classes) for seen in every]
        return replace(
            look,
            seen=replace(look.seen, probabilities=geometric_mean(probabilities)),
            decision=decided(self.bundle, basis),
            versions=((look.versions[0][0], every[-1].model_version),),
            basis=basis,
        )

    def _features(self, seen: Prediction) -> Floats:
        return _finite("features", seen.features, self.bundle.manifest.features)


@dataclass(frozen=True, slots=True)
class _Look:
    """A photo, what the model saw in it so far, and what follows from that."""

    photo: Photo
    raster: Raster
    seen: Prediction
    decision: Decision
    versions: tuple[tuple[str, str], ...]  # role -> NAME/VERSION
    basis: Basis  # what the decision was made from


@contextmanager
def _about(number: int, photos: Sequence[object]) -> Iterator[None]:
    """Errors say which photo they are about, if there are several."""
    try:
        yield
    except TogetherTooLong:
        raise
    except InvalidImage as error:
        error.photo = number + 1 if len(photos) > 1 else None
        raise


def _finite(name: str, vector: Floats | None, count: int) -> Floats:
    """One finite number for each. Raises BadModelResponse."""
    if vector is None or vector.shape != (count,) or not np.isfinite(vector).all():
        raise BadModelResponse(f"the model's {name} are not {count} finite numbers")
    return vector


def _focus(box: Floats | None) -> list[float]:
    """Left, top, right, bottom, within the photo. Raises BadModelResponse."""
    edges: list[float] = _finite("edges of its focus", box, _EDGES).clip(0, 1).tolist()
    left, top, right, bottom = edges
    if left > right or top > bottom:
        raise BadModelResponse("the model's focus has its edges in another order")
    return edges
