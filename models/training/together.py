"""How well several photos of one bird are answered: what `fit` measures, and the card's words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation import answers, joint
from parrot.model.rules import JointPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.arrays import Index
    from models.data.dataset import Dataset
    from models.training.calibration import Calibration, Raw


@dataclass(frozen=True, slots=True)
class Together:
    """By number and state of the photos: the figures; and the contradictions."""

    figures: Mapping[str, Mapping[str, joint.Comparison]]
    contradictions: Mapping[str, float | None]

    def metrics(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "figures": {
                state: {name: asdict(found) for name, found in row.items()}
                for state, row in self.figures.items()
            },
            "contradictions": dict(self.contradictions),
        }


def judge(
    dataset: Dataset,
    raw: Raw,
    parts: Sequence[tuple[Calibration, Index]],
    calibration: Calibration,
    seed: int,
) -> Together:
    """Join the answers of the folds' models, which never saw the photos."""
    order = np.argsort(np.concatenate([part for _, part in parts]))
    samples = [
        answers.joined([found.answers(raw, part, sample) for found, part in parts])
        .at(order)
        .decision
        for sample in range(raw.gate.shape[1])
    ]
    judge = joint.Judge(dataset.photos, dataset.target, samples, calibration.rules)
    return Together(judge.figures(seed), judge.contradictions(seed))


def section(together: Together) -> str:
    """The card's part about several photos."""
    in_use = together.figures
    apart = {name: _percent(share) for name, share in together.contradictions.items()}
    return f"""## Several photos of one bird
Photos of one species from different sources, put together by chance: each photo alone -> the joint
answer, with the 95 % interval of the difference (bootstrap over photos, n of them). Joined by the
mean of the logits; names only by photos that show a parrot alone. Where one does, none of the
others lowers the sum of the log odds by more than {JointPolicy().doubt:g}. Two photos as they are
contradict each other in {apart["one_species"]} of pairs of one species and in
{apart["two_species"]} of pairs of two: then the set has what each of them most likely shows.

| figure | {" | ".join(in_use)} |
|---|{"---|" * len(in_use)}
{_rows(in_use)}"""


def _rows(states: Mapping[str, Mapping[str, joint.Comparison]]) -> str:
    return "\n".join(
        f"| {title} | " + " | ".join(_cell(name, row.get(name)) for row in states.values()) + " |"
        for name, title in joint.NAMES.items()
    )


def _cell(name: str, found: joint.Comparison | None) -> str:
    if found is None:
        return ""
    if name == "size":
        return f"{found.single:.2f} -> {found.joint:.2f} ({found.low:+.2f}..{found.high:+.2f})"
    points = f"{found.low * 100:+.1f}..{found.high * 100:+.1f}"
    return f"{found.single:.1%} -> {found.joint:.1%} ({points}, n = {found.photos})"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
