"""A candidate's heads beside those in use: both answer for every photo, one of them is sent.

A candidate is asked about the features of the looks that were taken anyway, so it costs no pass
through the network. Nothing about it reaches an answer or delays one: it is loaded beside the
requests, and one that cannot be loaded, that belongs to another network or that fails is logged
once and switched off. Of each photo the log learns only whether the two answers agree.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from parrot import logs
from parrot.errors import BadBundle
from parrot.model.decision import decided, describe
from parrot.model.manifest import HEAD, LAST_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.model.bundle import Bundle
    from parrot.model.manifest import Manifest
    from parrot.records import Basis, Classification

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether two answers about one photo say the same."""

    verdict_agrees: bool
    set_agrees: bool
    first_agrees: bool  # the likeliest species

    @classmethod
    def of(cls, answer: Classification, other: Classification) -> Self:
        """Species count by their ids: a candidate may know more of them."""
        return cls(
            answer.verdict == other.verdict,
            set_ids(answer) == set_ids(other),
            first_id(answer) == first_id(other),
        )


class Shadow:
    """Hears every answer of a classifier, and asks a candidate about the same features."""

    def __init__(
        self, bundle: Bundle, load: Callable[[], Bundle], *, name: str = "candidate"
    ) -> None:
        """Nothing is loaded here; `bundle` is the one in use."""
        self._bundle, self._load, self._name = bundle, load, name
        self._candidate: Bundle | None = None
        self._lock = threading.Lock()

    def start(self) -> Self:
        """Load the candidate in a thread of its own; until then nothing is compared."""
        try:
            threading.Thread(target=self.load, name="shadow", daemon=True).start()
        except RuntimeError as error:  # no thread is left
            self._warn(error)
        return self

    def load(self) -> None:
        """Load the candidate now; an error is logged."""
        try:
            candidate = self._load()
            check(candidate, self._bundle)
        except Exception as error:  # noqa: BLE001 - whatever it is, requests go on
            self._warn(error)
        else:
            self._candidate = candidate
            _LOG.info("%s answers beside %s", self._name, self._bundle.manifest.version)

    def __call__(self, basis: Basis, answer: Classification) -> None:
        """Log whether the candidate says the same of this basis."""
        candidate = self._candidate
        if candidate is None:
            return
        try:
            agreement = Agreement.of(answer, beside(candidate, basis, answer))
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer goes out
            with self._lock:  # many requests may see it fail at once
                first, self._candidate = self._candidate is not None, None
            if first:
                self._warn(error)
        else:
            logs.apart("shadow", {"candidate": candidate.manifest.version, **asdict(agreement)})

    def _warn(self, error: Exception) -> None:
        _LOG.warning("%s is switched off: %s: %s", self._name, type(error).__name__, error)


def beside(candidate: Bundle, basis: Basis, answer: Classification) -> Classification:
    """What a candidate says of the photo of this answer, whose looks were another bundle's choice.

    It gives no reasons.
    """
    decision, size = decided(candidate, basis), (answer.width, answer.height)
    return describe(candidate, decision, models=answer.models, sha256=answer.sha256, size=size)


def check(candidate: Bundle, bundle: Bundle) -> None:
    """Raises BadBundle unless both can be asked about the same features."""
    if candidate.naming is None or bundle.naming is None:
        raise BadBundle("only bundles with heads of their own can be asked about the same features")
    if _network(candidate.manifest) != _network(bundle.manifest):
        raise BadBundle(
            f"{candidate.manifest.version} has another network than {bundle.manifest.version}:"
            " it needs features of its own"
        )


def set_ids(answer: Classification) -> frozenset[str] | None:
    """The species of the set by id; None without one."""
    found = answer.species_set
    return None if found is None else frozenset(row.id for row in found.species)


def first_id(answer: Classification) -> str | None:
    """The likeliest species; None for what cannot be a parrot."""
    return answer.species[0].species.id if answer.species else None


def _network(manifest: Manifest) -> tuple[object, ...]:
    """What two bundles have in common if one pass through the network serves both.

    The project's own models differ in their last blocks at most; of others the version tells.
    """
    model = manifest.models[0]
    version = None if HEAD in manifest.files else model.version
    return model.name, version, model.input, manifest.features, manifest.files.get(LAST_BLOCKS)
