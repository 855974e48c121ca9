"""A stored verdict, decided again: by the bundle that it names, on the photo that it is about."""

from collections.abc import Callable
from dataclasses import dataclass, fields

from parrot.classify import Classifier, ModelServer
from parrot.errors import BadBundle, InvalidImage, PhotoTooLarge, UnsupportedMedia
from parrot.model.bundle import Bundle
from parrot.observation import Observation, Status, Verdict
from parrot.photo import images
from parrot.photo.decoder import Decoder
from parrot.progress import verdict_of
from parrot.store import ObservationStore, PhotoStore

# What the first verdicts did not keep: nothing there may mean that nobody wrote it down.
_LATER = ("reason", "likely")
_FIELDS = tuple(field.name for field in fields(Verdict))
_ROUNDING = 1e-4  # what the order of additions may change, and more


class CannotReplay(ValueError):
    """The decision cannot be made again; the message says why."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The verdict as it was stored, and as it comes out now."""

    stored: Verdict
    again: Verdict

    @property
    def differences(self) -> dict[str, tuple[object, object]]:
        """What each field was and is, where that differs in any digit."""
        pairs = {name: (getattr(self.stored, name), getattr(self.again, name)) for name in _FIELDS}
        return {name: (then, now) for name, (then, now) in pairs.items() if then != now}

    @property
    def contradicted(self) -> list[str]:
        """The fields that differ, but for what was not kept then."""
        then = self.differences.items()
        return [name for name, (was, _) in then if was is not None or name not in _LATER]

    def by(self, name: str) -> float | None:
        """How far apart two numbers are."""
        then, now = getattr(self.stored, name), getattr(self.again, name)
        return abs(then - now) if isinstance(then, float) and isinstance(now, float) else None

    def sentence(self) -> str:
        """What came of it, and what the usual reasons are."""
        by = f"bundle {self.stored.bundle} on {self.stored.model}"
        if not self.contradicted:
            missing = " and ".join(self.differences)
            but = f", but for what was not kept then: {missing}" if missing else ""
            return f"repeated to the last digit, by {by}{but}"
        if self.stored.model != self.again.model:
            return f"not repeated: {self.again.model} answered, then it was {self.stored.model}"
        numbers = [n for name in self.contradicted if (n := self.by(name)) is not None]
        if len(numbers) == len(self.contradicted) and max(numbers) <= _ROUNDING:
            return (
                f"the same answer by {by}, but its numbers differ by up to {max(numbers):.1g}:"
                " another model server or processor ran the network, or in another batch"
            )
        return (
            f"not repeated: {by} decides otherwise now. Its network, its files or the code that"
            " decides are not those of then"
        )


def find(store: ObservationStore, name: str) -> Observation:
    """By a reviewers' handle, as UID/ID, or by its id alone, for which all are read.

    Raises CannotReplay, StoreUnavailable.
    """
    uid, slash, observation_id = name.partition("/")
    if slash:
        one = store.get(uid, observation_id)
        found = [] if one is None else [one]
    else:
        one = store.by_handle(name)
        found = [one] if one else [each for each in store.everything() if each.id == name]
    if len(found) > 1:
        raise CannotReplay(f"several people have a photo {name}: name one as UID/ID")
    if not found or found[0].status is Status.DELETING:
        raise CannotReplay(f"there is no observation {name}: it was deleted, or never was")
    return found[0]


@dataclass(frozen=True, slots=True)
class Replayer:
    """Decides as `process` does, with the bundle that `open_bundle` finds for a version."""

    photos: PhotoStore
    open_bundle: Callable[[str], Bundle]
    server: ModelServer
    decoder: Decoder
    max_bytes: int

    def replay(self, observation: Observation) -> Replay:
        """Decide again. Raises CannotReplay, BackendError, DeploymentError."""
        stored = observation.verdict
        if stored is None or observation.generation is None:
            why = f": {observation.reason}" if observation.reason else ""
            raise CannotReplay(f"it has no verdict, it is {observation.status.value}{why}")
        data = self._read(observation, int(observation.generation))
        try:
            bundle = self.open_bundle(stored.bundle)
        except BadBundle as error:
            raise CannotReplay(
                f"bundle {stored.bundle} cannot be used any more: {error}"
            ) from error
        try:
            photo = images.read(data, max_bytes=self.max_bytes)
            answer = Classifier(bundle, self.server, self.decoder).classify(photo)
        except (InvalidImage, UnsupportedMedia, PhotoTooLarge) as error:
            raise CannotReplay(f"the photo is refused today: {error}") from error
        return Replay(stored, verdict_of(answer))

    def _read(self, observation: Observation, generation: int) -> bytes:
        data = self.photos.read_generation(observation.object_name, generation, most=self.max_bytes)
        if data is not None:
            return data
        live = self.photos.generation(observation.object_name)
        if live is None:
            raise CannotReplay("the photo is gone from the bucket")
        raise CannotReplay(
            f"the photo was overwritten: generation {live} is there, {generation} was judged"
        )
