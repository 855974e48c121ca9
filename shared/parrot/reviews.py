"""What reviewers are shown, and what their decisions change."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from parrot import deadline
from parrot.consent import Training
from parrot.errors import Conflict, Forbidden, InvalidRequest, NotFound, StoreUnavailable
from parrot.observation import Observation, Opinion
from parrot.observations import StoredFile
from parrot.records import FAR, NOT_A_PARROT, OTHER_PARROT
from parrot.review import (
    BEGUN,
    CANNOT_TELL,
    TIES,
    UNUSABLE,
    arranged,
    crowded,
    example,
    handle,
    standing,
    waiting,
)
from parrot.store import update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from parrot.quota import User
    from parrot.store import ObservationStore, PhotoStore

_LOG = logging.getLogger(__name__)
MOST_COMPARED, _SEARCH_SECONDS = 10, 3.0  # of a page: each costs a search
_EXAMPLES, _SEARCHED = 4, 12  # some that are found are the reviewer's own
# Looked through for a reviewer, up to four times: what they decided already is among the most
# urgent, and so is what one person saves to hide all others.
_LOOKED_AT, _LOOKS = 500, 4
_LOOKED_AT_FIRST = 50  # for each place of a page; more only where these are not enough for it
_OTHERS = {NOT_A_PARROT.id, OTHER_PARROT.id, CANNOT_TELL, UNUSABLE}
_LISTED = ", ".join(sorted(_OTHERS))


@dataclass(frozen=True, slots=True)
class Example:
    """A settled photo beside one to decide."""

    observation: Observation
    species: str  # what it was settled as
    distance: float  # see `Embedded.apart`


class Reviews:
    """Decisions about photos that may train. Reviewers never learn who took them, or where."""

    def __init__(
        self,
        store: ObservationStore,
        photos: PhotoStore,
        labels: Mapping[str, int],
        *,
        training: Training = Training.ASK,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`labels` are ids of all kinds and taxa that a decision may name.

        Each has the number of photos that the bundle was fitted on.
        """
        self._store, self._photos, self._labels, self._now = store, photos, labels, now
        self._training = training

    def next(self, reviewer: User, *, size: int) -> list[Observation]:
        """Those that teach most of what this reviewer may decide: see `review.arranged`.

        Raises Forbidden, StoreUnavailable.
        """
        self._require(reviewer)
        rows: dict[str, Observation] = {}
        seen: set[str] = set()
        below = math.inf
        for look in range(1, _LOOKS + 1):
            limit = min(_LOOKED_AT, size * _LOOKED_AT_FIRST) if look == 1 else _LOOKED_AT
            looked = self._store.to_review(limit=limit, below=below)
            rows |= {row.object_name: row for row in looked if _is_for(row, reviewer)}
            if len(looked) < limit or not crowded(rows.values(), size=size):
                break
            below = waiting(looked[-1]) or 0.0
            names = {row.object_name for row in looked}
            if names <= seen:  # stored before ties were broken: there is no way through them
                below -= TIES
            seen |= names
            if look == _LOOKS - 1:  # at last what nobody has begun
                below = min(below, BEGUN)
        return arranged(list(rows.values()), self._labels, size=size)

    def examples(self, reviewer: User, rows: Sequence[Observation]) -> list[list[Example]]:
        """For the first 10 of these the settled photos that look most alike, the nearest first.

        They help, but nobody waits long for them: where the store cannot search, or takes long,
        there are fewer or none. Raises Forbidden.
        """
        self._require(reviewer)
        found: list[list[Example]] = []
        try:
            with deadline.within(_SEARCH_SECONDS):
                for row in rows[:MOST_COMPARED]:
                    found.append(self._examples(reviewer, row))  # noqa: PERF401 - some are enough
        except StoreUnavailable as error:
            _LOG.warning("reviews without similar photos: %s", error.detail)
        return found

    def _examples(self, reviewer: User, row: Observation) -> list[Example]:
        if row.embedded is None:
            return []
        found = [
            Example(each, outcome, row.embedded.apart(each.embedded))
            for each in self._store.nearest(row.embedded, uid=None, limit=_SEARCHED)
            if each.embedded and each.uid != reviewer.uid and each.object_name != row.object_name
            if (outcome := example(each)) is not None
        ]
        return [each for each in found if each.distance < FAR][:_EXAMPLES]

    def decide(self, reviewer: User, name: str, species: str) -> Observation:
        """Give an opinion, or replace an earlier one, which may open again what was settled.

        Raises Forbidden, InvalidRequest, NotFound, Conflict if others have settled it meanwhile,
        StoreUnavailable.
        """
        if species not in _OTHERS and species not in self._labels:
            raise InvalidRequest(
                f"unknown species {species!r:.60}: send a kind, a taxon or one of {_LISTED}"
            )
        observation = self._found(reviewer, name)

        def decide(current: Observation) -> Observation:
            others = _others(current, reviewer)
            if _hidden(current):
                raise _not_found(name)
            if waiting(current) is None and len(others) == len(current.opinions):
                raise Conflict("this review is already settled", observation=name)
            now = self._now()
            opinions = (*others, Opinion(reviewer.uid, species, now))
            decided = replace(current, opinions=opinions, updated=now)
            return replace(decided, status=standing(decided))

        decided = update(self._store, observation.uid, observation.id, decide)
        if decided is None:
            raise _not_found(name)
        return decided

    def image(self, reviewer: User, name: str) -> StoredFile:
        """The clean copy. Raises Forbidden, NotFound, StoreUnavailable."""
        observation = self._found(reviewer, name)
        content = self._photos.open(observation.derived.image) if observation.derived else None
        if content is None:
            raise _not_found(name)
        return StoredFile(content, "image/webp")

    def summary(self, reviewer: User) -> tuple[int, Counter[str]]:
        """How many observations wait, 500 at most, and how many have each label.

        Raises Forbidden, StoreUnavailable.
        """
        self._require(reviewer)
        rows = self._store.to_review(limit=_LOOKED_AT)
        return len(rows), Counter(row.label.species for row in rows if row.label)

    def _found(self, reviewer: User, name: str) -> Observation:
        self._require(reviewer)
        observation = self._store.by_handle(name)
        if observation is None or _hidden(observation):
            raise _not_found(name)
        if observation.uid == reviewer.uid:
            raise Forbidden("your own photos are reviewed by others")
        return observation

    def _require(self, user: User) -> None:
        if not user.reviewer:
            raise Forbidden("only reviewers see other people's photos")
        if self._training is Training.OFF:  # what people allowed was for training
            raise Forbidden("here no photo is used for training")


def withdraw(store: ObservationStore, uid: str) -> None:
    """Let the opinions of a reviewer stand without their name. Raises StoreUnavailable."""

    def rename(current: Observation) -> Observation:
        alias = _departed(current, uid)
        opinions = (
            replace(opinion, reviewer=alias) if opinion.reviewer == uid else opinion
            for opinion in current.opinions
        )
        return replace(current, opinions=tuple(opinions))

    while rows := store.by_reviewer(uid, limit=50):
        for row in rows:
            update(store, row.uid, row.id, rename)


def unsay(store: ObservationStore, reviewer: User) -> int:
    """Take back all that a reviewer said, so that others decide it again; of how many photos.

    For one who lied, also if they have left since: what is settled is open to nobody else. Reads
    everything. Raises StoreUnavailable.
    """

    def without(current: Observation) -> Observation:
        changed = replace(current, opinions=_others(current, reviewer))
        return replace(changed, status=standing(changed)) if current.processed else changed

    seen = [row for row in store.everything() if _others(row, reviewer) != row.opinions]
    for row in seen:
        update(store, row.uid, row.id, without)
    return len(seen)


def _hidden(observation: Observation) -> bool:
    """Whether reviewers may not see it, or may no longer."""
    return not (observation.may_train and observation.processed)


def _is_for(observation: Observation, reviewer: User) -> bool:
    """Whether it is another person's, and this reviewer has no opinion of it."""
    others = _others(observation, reviewer)
    return observation.uid != reviewer.uid and len(others) == len(observation.opinions)


def _others(observation: Observation, reviewer: User) -> tuple[Opinion, ...]:
    """The opinions of others. A reviewer who left and came back has no second one."""
    own = {reviewer.uid, _departed(observation, reviewer.uid)}
    return tuple(opinion for opinion in observation.opinions if opinion.reviewer not in own)


def _departed(observation: Observation, uid: str) -> str:
    """The name under which a departed reviewer's opinion is kept: another one for each photo."""
    return f"gone-{handle(uid, handle(observation.uid, observation.id))}"


def _not_found(name: str) -> NotFound:
    return NotFound(f"there is nothing to review under {name!r:.80}")
