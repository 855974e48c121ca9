"""How one photo is classified."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import numpy as np

from parrot import images
from parrot.errors import BadModelResponse
from parrot.records import Classification, SpeciesSet, Timing

if TYPE_CHECKING:
    from parrot.model.bundle import Bundle
    from parrot.model.inputs import InputSpec
    from parrot.model.served_model import ServedModel
    from parrot.records import Floats, Photo, Prediction, Raster


class ModelServer(Protocol):
    """Runs the forward pass: TF Serving on Cloud Run, Vertex AI, or the local server."""

    def predict(self, model: ServedModel, payload: bytes | Floats) -> Prediction:
        """One photo through one model.

        `payload` is what `images.payload` made for the model's input. Raises ModelUnavailable,
        ModelTimeout, BadModelResponse.
        """

    def version(self, model: ServedModel) -> str:
        """The version in use now. Raises ModelUnavailable, ModelTimeout."""


class Decodes(Protocol):
    """Turns photos into pixels, within a budget."""

    def pixels(self, photo: Photo, spec: InputSpec) -> Raster:
        """What a model takes. Raises InvalidImage, Overloaded, DecoderUnavailable."""


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
        extractor, *second = self.bundle.manifest.models
        clock = _Stopwatch()

        raster = self._decoder.pixels(photo, extractor.input)
        payload = images.payload(raster, extractor.input)
        clock.lap("decode")
        prediction = self._server.predict(extractor, payload)
        versions = [("classifier" if not second else "extractor", prediction.model_version)]
        clock.lap("model")
        probability = self._gate(prediction.features)
        is_parrot = probability >= self.bundle.manifest.threshold
        clock.lap("gate")

        probabilities: tuple[float, ...] = ()
        if is_parrot:
            for model in second:  # as the first version did: another model names the species
                again = self._decoder.pixels(photo, model.input)
                prediction = self._server.predict(model, images.payload(again, model.input))
                versions.append(("classifier", prediction.model_version))
                clock.lap("species")
            probabilities = tuple(self._checked("probabilities", prediction.probabilities).tolist())

        return Classification(
            is_parrot=is_parrot,
            parrot_probability=probability,
            species=self.bundle.species.rank(probabilities, top) if is_parrot else (),
            probabilities=probabilities,
            species_set=self._set(prediction.logits) if is_parrot else None,
            bundle=self.bundle.manifest.version,
            models=tuple(versions),
            sha256=photo.sha256,
            width=raster.width,
            height=raster.height,
            timings=clock.laps,
        )

    def versions(self) -> tuple[str, ...]:
        """NAME/VERSION of every model in use now: the readiness check."""
        return tuple(self._server.version(model) for model in self.bundle.manifest.models)

    def _gate(self, features: Floats | None) -> float:
        wanted = self.bundle.manifest.features
        if features is None or features.shape != (wanted,) or not np.isfinite(features).all():
            raise BadModelResponse(f"the model's features are not {wanted} finite numbers")
        return self.bundle.gate.score(features)

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


class _Stopwatch:
    def __init__(self) -> None:
        self.laps: tuple[Timing, ...] = ()
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps += (Timing(step, (now - self._last) * 1000),)
        self._last = now
