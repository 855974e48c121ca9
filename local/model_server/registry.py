"""Which versions are loaded, loading or gone; thread-safe."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING

from local.model_server.errors import InvalidArgument, NotFound, ServingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from local.model_server.signatures import Servable
    from local.model_server.targets import Target
    from local.model_server.versions import Label, VersionId


class State(Enum):
    """A version's life, in TF Serving's names."""

    START = "START"
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One line of a status answer; a version that failed to load is at END with its error."""

    id: VersionId
    state: State
    error: ServingError | None = None

    @property
    def error_code(self) -> str:
        """The canonical code's name, `OK` without an error."""
        return "OK" if self.error is None else self.error.code.name

    @property
    def error_message(self) -> str:
        """The error's message, empty without one."""
        return "" if self.error is None else self.error.message


@dataclass(frozen=True, slots=True)
class Lease:
    """A loaded version in use by one request; it stays loaded until the request is answered."""

    id: VersionId
    servable: Servable


@dataclass(slots=True)
class _Held:
    """A version in memory and how many requests use it; touched only under the registry's lock."""

    servable: Servable
    leases: int = 0


class Registry:
    """Every version that was ever wanted; TF Serving also keeps them for its status answer."""

    def __init__(self, labels: Iterable[Label] = ()) -> None:
        """Start with nothing loaded; `labels` are only looked up."""
        self._labels = {(label.model, label.label): label.version for label in labels}
        self._statuses: dict[VersionId, VersionStatus] = {}
        self._held: dict[VersionId, _Held] = {}
        self._lock = Lock()

    # Called by the watcher.

    def mark(self, version_id: VersionId, state: State, error: ServingError | None = None) -> None:
        """Record a step of a version that is not loaded: START, LOADING, or END."""
        with self._lock:
            self._set(version_id, state, error)

    def offer(self, version_id: VersionId, servable: Servable) -> None:
        """Give this version to requests from now on: AVAILABLE."""
        with self._lock:
            self._held[version_id] = _Held(servable)
            self._set(version_id, State.AVAILABLE)

    def withdraw(self, version_id: VersionId) -> None:
        """Give this version to no new requests; running ones finish: UNLOADING."""
        with self._lock:
            self._set(version_id, State.UNLOADING)

    def sweep(self) -> tuple[VersionId, ...]:
        """Release withdrawn versions whose last request is answered: END. Return them."""
        with self._lock:
            done = tuple(
                version_id
                for version_id, held in self._held.items()
                if not self._is_available(version_id) and held.leases == 0
            )
            for version_id in done:
                del self._held[version_id]
                self._set(version_id, State.END)
            return done

    def serving(self) -> frozenset[VersionId]:
        """Return the versions that requests can get."""
        with self._lock:
            return frozenset(filter(self._is_available, self._statuses))

    def in_memory(self) -> frozenset[VersionId]:
        """Return the versions that are in memory: serving or unloading."""
        with self._lock:
            return frozenset(self._held)

    # Called by requests.

    @contextmanager
    def lease(self, target: Target) -> Iterator[Lease]:
        """Hold the target's version for the length of a with-block.

        Raises:
            InvalidArgument: the label names no loaded version (TF Serving's choice of code).
            NotFound: the model or the version is not loaded.
        """
        with self._lock:
            version_id = self._find(target)
            held = self._held[version_id]
            held.leases += 1
        try:
            yield Lease(version_id, held.servable)
        finally:
            with self._lock:
                held.leases -= 1

    def statuses(self, target: Target) -> tuple[VersionStatus, ...]:
        """List the versions of a model, newest first, or only the one that the target names.

        Raises:
            InvalidArgument: the label names no loaded version.
            NotFound: none was ever wanted here.
        """
        with self._lock:
            if target.label is not None:
                return (self._statuses[self._find(target)],)
            found = tuple(
                self._statuses[version_id]
                for version_id in sorted(self._statuses, reverse=True)
                if version_id.model == target.model and target.version in (None, version_id.version)
            )
        if found:
            return found
        wanted = "any versions" if target.version is None else f"version {target.version}"
        raise NotFound(f"Could not find {wanted} of model {target.model}")

    # The methods below expect the lock to be held.

    def _set(self, version_id: VersionId, state: State, error: ServingError | None = None) -> None:
        self._statuses[version_id] = VersionStatus(version_id, state, error)

    def _is_available(self, version_id: VersionId) -> bool:
        return self._statuses[version_id].state is State.AVAILABLE

    def _find(self, target: Target) -> VersionId:
        version = target.version
        if target.label is not None:
            version = self._labels.get((target.model, target.label))
        candidates = [
            version_id
            for version_id in self._held
            if version_id.model == target.model
            and version in (None, version_id.version)
            and self._is_available(version_id)
        ]
        if target.label is not None and (version is None or not candidates):
            raise InvalidArgument(f"Unrecognized servable version label: {target.label}")
        if not candidates:
            raise NotFound(f"Servable not found for request: {target}")
        return max(candidates)
