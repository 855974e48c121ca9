"""How photos are classified: one, or several of one bird."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from parrot import budget, together
from parrot.errors import BadModelResponse, about_photo
from parrot.model import conclusion, look
from parrot.model.conclusion import checked, judge, weigh
from parrot.model.joining import geometric_mean
from parrot.model.reason import Evidence, why
from parrot.photo import images, quality
from parrot.records import Classification, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parrot.model.bundle import Bundle
    from parrot.model.conclusion import Verdict
    from parrot.model.inputs import InputSpec
    from parrot.model.look import SecondLook
    from parrot.model.served_model import ServedModel
    from parrot.photo.geometry import Box
    from parrot.records import Floats, Photo, Prediction, Raster, Reason, Together

_EDGES = 4  # of a focus


class ModelServer(Protocol):
    """Runs the forward pass: TF Serving on Cloud Run, Vertex AI, or the local server."""

    def predict(self, model: ServedModel, payload: bytes | Floats) -> Prediction:
        """One photo through one model.

        `payload` is what `images.payload` made for the model's input. Raises ModelUnavailable,
        ModelTimeout, BadModelResponse.
        """

    def predict_all(
        self, model: ServedModel, payloads: Sequence[bytes | Floats]
    ) -> list[Prediction]:
        """Several photos through one model, in their order. Raises as `predict`."""

    def version(self, model: ServedModel) -> str:
        """The version in use now. Raises ModelUnavailable, ModelTimeout."""


class Decodes(Protocol):
    """Turns photos into pixels, within a budget."""

    def pixels(self, photo: Photo, spec: InputSpec) -> Raster:
        """What a model takes of the whole photo.

        Raises InvalidImage, Overloaded, DecoderUnavailable.
        """

    def parts(self, photo: Photo, spec: InputSpec, boxes: Sequence[Box]) -> Sequence[Raster]:
        """What it takes of parts of the photo. Raises as `pixels`."""


class Classifier:
    """Photo in, verdict and species out."""

    def __init__(self, bundle: Bundle, server: ModelServer, decoder: Decodes) -> None:
        """Nothing is loaded or requested here."""
        self.bundle = bundle
        self._server = server
        self._decoder = decoder

    def classify(self, photo: Photo, *, top: int | None = None) -> Classification:
        """Answer for one photo; `top` limits the ranking, not `probabilities`.

        Raises InvalidImage, Overloaded, DecoderUnavailable, ModelUnavailable, ModelTimeout,
        BadModelResponse.
        """
        (answer,) = self.classify_each((photo,))
        return replace(answer, species=answer.species[:top])

    def together(self, photos: Sequence[Photo], *, top: int | None = None) -> Together:
        """Answers for several photos of one bird, and the joint one. Raises as `classify`."""
        answers = self.classify_each(photos)
        return together.join(self.bundle, answers, top=top, timings=answers[0].timings)

    def classify_each(self, photos: Sequence[Photo]) -> tuple[Classification, ...]:
        """The answer for each photo; all share one request, and one more where there is doubt.

        Each has the timings of them all. Raises as `classify`; InvalidImage says which photo, where
        it is about one of several.
        """
        clock = _Stopwatch()
        budget.require_together(photos)
        looks = self._look(photos, clock)
        looks = self._look_again(looks, clock)
        looks = self._look_with_another_model(looks, clock)
        return tuple(self._answer(look, clock.laps) for look in looks)

    def versions(self) -> tuple[str, ...]:
        """NAME/VERSION of every model in use now: the readiness check."""
        return tuple(self._server.version(model) for model in self.bundle.manifest.models)

    def _look(self, photos: Sequence[Photo], clock: _Stopwatch) -> list[_Look]:
        extractor, *second = self.bundle.manifest.models
        rasters = []
        for position, photo in enumerate(photos, 1):
            with about_photo(position, of=len(photos)):
                rasters.append(self._decoder.pixels(photo, extractor.input))
        payloads = [images.payload(raster, extractor.input) for raster in rasters]
        clock.lap("decode")
        predictions = self._predict(extractor, payloads)
        clock.lap("model")
        role = "extractor" if second else "classifier"
        looks = [
            _Look(photo, raster, seen, self._verdict(seen.features), ((role, seen.model_version),))
            for photo, raster, seen in zip(photos, rasters, predictions, strict=True)
        ]
        clock.lap("gate")
        return looks

    def _look_again(self, looks: list[_Look], clock: _Stopwatch) -> list[_Look]:
        """In doubt the mean of the first look and of closer ones, all of those in one request."""
        policy = self.bundle.manifest.second_look
        doubtful = (
            []
            if policy is None
            else [number for number, look in enumerate(looks) if look.verdict.leaves_doubt(policy)]
        )
        if policy is None or not doubtful:
            return looks
        (model,) = self.bundle.manifest.models
        payloads = []
        for number in doubtful:
            with about_photo(number + 1, of=len(looks)):
                payloads += self._closer(looks[number], policy)
        closer = iter(self._predict(model, payloads))
        found = list(looks)
        for number in doubtful:
            found[number] = self._mean(looks[number], [next(closer) for _ in policy.views])
        clock.lap("look-again")
        return found

    def _look_with_another_model(self, looks: list[_Look], clock: _Stopwatch) -> list[_Look]:
        """As the first version did: another model names the species, of parrots only."""
        parrots = [number for number, look in enumerate(looks) if look.verdict.is_parrot]
        found = list(looks)
        for model in self.bundle.manifest.models[1:] if parrots else ():
            payloads = [
                images.payload(self._decoder.pixels(looks[number].photo, model.input), model.input)
                for number in parrots
            ]
            predictions = self._predict(model, payloads)
            for number, seen in zip(parrots, predictions, strict=True):
                versions = (*looks[number].versions, ("classifier", seen.model_version))
                found[number] = replace(looks[number], seen=seen, versions=versions)
            clock.lap("species")
        return found

    def _answer(self, look: _Look, timings: tuple[Timing, ...]) -> Classification:
        bundle, verdict, seen = self.bundle, look.verdict, look.seen
        probabilities: tuple[float, ...] = ()
        if verdict.is_parrot:
            found = checked(bundle, "probabilities", seen.probabilities)
            evidence = replace(verdict.evidence, probabilities=found, logits=seen.logits)
            verdict = replace(verdict, evidence=evidence)
            probabilities = tuple(found.tolist())
        names = conclusion.name(bundle, verdict)
        return Classification(
            is_parrot=verdict.is_parrot,
            parrot_probability=verdict.evidence.parrot,
            species=bundle.species.rank(names.ranking) if verdict.is_parrot else (),
            probabilities=probabilities,
            species_set=names.species_set,
            taxon=names.taxon,
            bundle=bundle.manifest.version,
            models=look.versions,
            sha256=look.photo.sha256,
            width=look.raster.width,
            height=look.raster.height,
            timings=timings,
            evidence=verdict.evidence,
            reason=self._reason(look),
        )

    def _reason(self, found: _Look) -> Reason | None:
        """Why it is not a parrot, if it is not and the bundle can tell."""
        policy, verdict, raster = self.bundle.manifest.reasons, found.verdict, found.raster
        if verdict.is_parrot or policy is None:
            return None
        birds = self.bundle.gate.birds(self._features(found.seen.features)[None].astype(np.float64))
        if birds is None:
            return None
        parrot = verdict.evidence.parrot
        other_bird = (1 - parrot) * float(birds[0])
        measured = quality.measure(raster.pixels)
        evidence = Evidence(
            other_bird=other_bird,
            no_bird=1 - parrot - other_bird,
            window=look.window(_focus(found.seen), raster.width, raster.height),
            sharpness=measured.sharpness,
            brightness=measured.brightness,
        )
        return why(evidence, policy)

    def _predict(self, model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        if len(payloads) == 1:
            return [self._server.predict(model, payloads[0])]
        return self._server.predict_all(model, payloads)

    def _closer(self, look: _Look, policy: SecondLook) -> list[bytes | Floats]:
        """What to look at again of one photo, as payloads."""
        (model,) = self.bundle.manifest.models
        raster = look.raster
        boxes = policy.boxes(_focus(look.seen), raster.width, raster.height)
        parts = self._decoder.parts(look.photo, model.input, boxes)
        return [images.payload(part, model.input) for part in parts]

    def _mean(self, look: _Look, closer: Sequence[Prediction]) -> _Look:
        """The mean of a photo's first look and of the closer ones."""
        every = (look.seen, *closer)
        features = [self._features(seen.features) for seen in every]
        probabilities = [
            checked(self.bundle, "probabilities", seen.probabilities) for seen in every
        ]
        mean: Floats = np.asarray(np.mean(features, axis=0, dtype=np.float32))
        seen = replace(look.seen, features=mean, probabilities=geometric_mean(probabilities))
        role = look.versions[0][0]
        return replace(
            look,
            seen=seen,
            verdict=self._verdict(mean),
            versions=((role, every[-1].model_version),),
        )

    def _verdict(self, features: Floats | None) -> Verdict:
        return judge(self.bundle, weigh(self.bundle, self._features(features)))

    def _features(self, features: Floats | None) -> Floats:
        wanted = self.bundle.manifest.features
        if features is None or features.shape != (wanted,) or not np.isfinite(features).all():
            raise BadModelResponse(f"the model's features are not {wanted} finite numbers")
        return features


@dataclass(frozen=True, slots=True)
class _Look:
    """A photo, what the model saw in it so far, and what follows from that."""

    photo: Photo
    raster: Raster
    seen: Prediction
    verdict: Verdict
    versions: tuple[tuple[str, str], ...]  # role -> NAME/VERSION


def _focus(prediction: Prediction) -> list[float]:
    """Left, top, right, bottom. Raises BadModelResponse."""
    focus = prediction.focus
    if focus is None or focus.shape != (_EDGES,) or not np.isfinite(focus).all():
        raise BadModelResponse(f"the model's focus is not {_EDGES} finite numbers")
    edges: list[float] = focus.tolist()
    return edges


class _Stopwatch:
    def __init__(self) -> None:
        self.laps: tuple[Timing, ...] = ()
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps += (Timing(step, (now - self._last) * 1000),)
        self._last = now
