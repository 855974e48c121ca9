"""How one photo is classified."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from parrot.errors import BadModelResponse
from parrot.model import look
from parrot.model.naming import lowest_sure
from parrot.model.reason import Evidence, why
from parrot.photo import images, quality
from parrot.records import Classification, SpeciesSet, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parrot.model.bundle import Bundle
    from parrot.model.inputs import InputSpec
    from parrot.model.look import Box, SecondLook
    from parrot.model.served_model import ServedModel
    from parrot.records import Floats, Named, Photo, Prediction, Raster, Reason

    Flags = npt.NDArray[np.bool_]

_EDGES = 4  # of a focus
_TINY = 1e-12
_NOTHING = np.zeros(0, np.float32)


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
        """Several photos through one model in one request, in their order. Raises as `predict`."""

    def version(self, model: ServedModel) -> str:
        """The version in use now. Raises ModelUnavailable, ModelTimeout."""


class Decodes(Protocol):
    """Turns photos into pixels, within a budget."""

    def pixels(self, photo: Photo, spec: InputSpec, *, part: Box | None = None) -> Raster:
        """What a model takes, of the whole photo or of a part.

        Raises InvalidImage, Overloaded, DecoderUnavailable.
        """


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
        manifest = self.bundle.manifest
        extractor, *second = manifest.models
        clock = _Stopwatch()

        raster = self._decoder.pixels(photo, extractor.input)
        payload = images.payload(raster, extractor.input)
        clock.lap("decode")
        prediction = self._server.predict(extractor, payload)
        versions = [("classifier" if not second else "extractor", prediction.model_version)]
        clock.lap("model")
        verdict = self._verdict(prediction)
        clock.lap("gate")
        if manifest.second_look is not None and verdict.leaves_doubt(manifest.second_look):
            prediction = self._look_again(photo, raster, prediction, manifest.second_look)
            verdict = self._verdict(prediction)
            clock.lap("look-again")

        reason = self._reason(verdict, raster, prediction)
        probabilities: tuple[float, ...] = ()
        if verdict.is_parrot:
            for model in second:  # as the first version did: another model names the species
                again = self._decoder.pixels(photo, model.input)
                prediction = self._server.predict(model, images.payload(again, model.input))
                versions.append(("classifier", prediction.model_version))
                clock.lap("species")
            probabilities = tuple(self._checked("probabilities", prediction.probabilities).tolist())
        names = self._names(verdict, prediction, probabilities)

        return Classification(
            is_parrot=verdict.is_parrot,
            parrot_probability=verdict.parrot,
            species=self.bundle.species.rank(names.ranking, top) if verdict.is_parrot else (),
            probabilities=probabilities,
            species_set=names.species_set,
            taxon=names.taxon,
            bundle=manifest.version,
            models=tuple(versions),
            sha256=photo.sha256,
            width=raster.width,
            height=raster.height,
            timings=clock.laps,
            reason=reason,
        )

    def _verdict(self, prediction: Prediction) -> _Verdict:
        """What the gate says, and which species are likely if the bundle names them."""
        features = self._features(prediction.features)
        parrot = self.bundle.gate.score(features)
        is_parrot = parrot >= self.bundle.manifest.threshold
        naming, policy = self.bundle.naming, self.bundle.manifest.naming
        if naming is None or policy is None:
            return _Verdict(parrot, is_parrot, None, _NOTHING, _NOTHING.astype(bool))
        species, groups = naming.species(features[None]), naming.groups(features[None])
        return _Verdict(parrot, is_parrot, species[0], groups[0], policy.sets.classes(species)[0])

    def _look_again(
        self, photo: Photo, raster: Raster, first: Prediction, policy: SecondLook
    ) -> Prediction:
        """The mean of the first look and of closer ones, all of those in one request."""
        (model,) = self.bundle.manifest.models
        parts = policy.boxes(_focus(first), raster.width, raster.height)
        payloads = [
            images.payload(
                self._decoder.pixels(photo, model.input, part=part),
                model.input,
            )
            for part in parts
        ]
        looks = (first, *self._server.predict_all(model, payloads))
        features = [self._features(look.features) for look in looks]
        probabilities = [self._checked("probabilities", look.probabilities) for look in looks]
        return replace(
            first,
            features=np.mean(features, axis=0, dtype=np.float32),
            probabilities=_geometric_mean(probabilities),
            model_version=looks[-1].model_version,
        )

    def _reason(self, verdict: _Verdict, raster: Raster, prediction: Prediction) -> Reason | None:
        """Why it is not a parrot, if it is not and the bundle can tell."""
        policy = self.bundle.manifest.reasons
        if verdict.is_parrot or policy is None:
            return None
        birds = self.bundle.gate.birds(self._features(prediction.features)[None])
        if birds is None:
            return None
        other_bird = (1 - verdict.parrot) * float(birds[0])
        seen = quality.measure(raster.pixels)
        evidence = Evidence(
            other_bird=other_bird,
            no_bird=1 - verdict.parrot - other_bird,
            window=look.window(_focus(prediction), raster.width, raster.height),
            sharpness=seen.sharpness,
            brightness=seen.brightness,
        )
        return why(evidence, policy)

    def _names(
        self, verdict: _Verdict, prediction: Prediction, probabilities: Sequence[float]
    ) -> _Names:
        """The ranking's probabilities by class index, the set and the taxon."""
        naming, policy, taxonomy = (
            self.bundle.naming,
            self.bundle.manifest.naming,
            self.bundle.taxonomy,
        )
        if not verdict.is_parrot:
            return _Names((), None, None)
        if naming is None or policy is None or taxonomy is None or verdict.species is None:
            return _Names(probabilities, self._set(prediction.logits), None)
        ranking = verdict.species[:-1].tolist()
        chosen = tuple(row for row in self.bundle.species.rows if verdict.chosen[row.index])
        taxon = lowest_sure(
            taxonomy,
            likely=[(row.id, ranking[row.index]) for row in chosen],
            groups=list(zip(naming.group_ids, verdict.groups.tolist(), strict=True)),
            sure=policy.sure,
        )
        return _Names(ranking, SpeciesSet(policy.sets.coverage, chosen), taxon)

    def versions(self) -> tuple[str, ...]:
        """NAME/VERSION of every model in use now: the readiness check."""
        return tuple(self._server.version(model) for model in self.bundle.manifest.models)

    def _features(self, features: Floats | None) -> Floats:
        wanted = self.bundle.manifest.features
        if features is None or features.shape != (wanted,) or not np.isfinite(features).all():
            raise BadModelResponse(f"the model's features are not {wanted} finite numbers")
        return features

    def _set(self, logits: Floats | None) -> SpeciesSet | None:
        conformal = self.bundle.manifest.conformal
        if conformal is None:
            return None
        likely = self._checked("logits", logits) >= conformal.cut
        rows = self.bundle.species.rows
        return SpeciesSet(conformal.coverage, tuple(row for row in rows if likely[row.index]))

    def _checked(self, name: str, vector: Floats | None) -> Floats:
        wanted = self.bundle.manifest.classes
        if vector is None or vector.shape != (wanted,) or not np.isfinite(vector).all():
            raise BadModelResponse(f"the model's {name} are not {wanted} finite numbers")
        return vector


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one look, or the mean of several, says; without naming only the first two."""

    parrot: float
    is_parrot: bool
    species: Floats | None  # by class index, "another parrot" last
    groups: Floats
    chosen: Flags  # by class index: whether it is in the set

    def leaves_doubt(self, policy: SecondLook) -> bool:
        size = None if self.species is None else int(self.chosen.sum())
        return policy.wanted(self.parrot, size)


@dataclass(frozen=True, slots=True)
class _Names:
    ranking: Sequence[float]
    species_set: SpeciesSet | None
    taxon: Named | None


def _focus(prediction: Prediction) -> list[float]:
    """Left, top, right, bottom. Raises BadModelResponse."""
    focus = prediction.focus
    if focus is None or focus.shape != (_EDGES,) or not np.isfinite(focus).all():
        raise BadModelResponse(f"the model's focus is not {_EDGES} finite numbers")
    edges: list[float] = focus.tolist()
    return edges


def _geometric_mean(probabilities: Sequence[Floats]) -> Floats:
    """The mean of the logits behind these probabilities, as probabilities again."""
    logs = np.mean(np.log(np.maximum(probabilities, _TINY)), axis=0)
    mean = np.exp(logs - logs.max())
    return np.asarray(mean / mean.sum(), np.float32)


class _Stopwatch:
    def __init__(self) -> None:
        self.laps: tuple[Timing, ...] = ()
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps += (Timing(step, (now - self._last) * 1000),)
        self._last = now
