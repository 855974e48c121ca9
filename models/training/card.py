"""The model card: what was fitted on what, how well it does, and where its limits are."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from models.data.dataset import FEWEST, Dataset
from models.data.labelled_photos import Group
from models.data.stress import STRESSES
from models.evaluation import joint, metrics, reasons
from models.evaluation.results import FIGURES, Results, figure_text, rate, rate_or_number
from models.network.backbone import TAIL_BLOCKS
from models.network.model_folder import INPUT
from models.network.weights import TAIL_FILE
from models.training import embedding
from models.training.acceptance import Figures
from models.training.calibration import SURE
from models.training.judging import Fitted
from parrot.model.embedding import DIMENSIONS
from parrot.model.reason import PHOTOMETRIC
from parrot.model.rules import ReasonPolicy
from parrot.records import Reason

NAME = "MODEL_CARD.md"
_CLEAN, _PHONE, _STRESSED = "as they are", "phone-like", "stressed"
_UNITS = {"window": " px", "brightness": " of 1", "sharpness": " of 1"}
_OTHERS = (Group.OTHER_BIRDS, Group.NEGATIVES)
_LIMITS = (8, 16, 32)  # photos of a kind, where rows of the table by these begin
_BY_STRESS = (
    ("gate", "parrots_kept"),
    ("species", "top1"),
    ("set", "coverage"),
    ("gate", "other_birds_let_through"),
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach, by column."""

    figure: tuple[str, str]
    bounds: Mapping[str, float]
    at_least: bool

    def missed(self, measured: float, bound: float) -> float:
        """By how much, 0 if it is reached."""
        gap = bound - measured if self.at_least else measured - bound
        return max(0.0, gap)


TARGETS = (
    Goal(("gate", "parrots_kept"), {_CLEAN: 0.97, _PHONE: 0.92, _STRESSED: 0.92}, at_least=True),
    Goal(("gate", "kept_or_maybe"), {_CLEAN: 0.99, _PHONE: 0.96, _STRESSED: 0.95}, at_least=True),
    Goal(("species", "top1"), {_CLEAN: 0.975, _STRESSED: 0.93}, at_least=True),
    Goal(("gate", "other_birds_let_through"), {_CLEAN: 0.015, _STRESSED: 0.03}, at_least=False),
    Goal(("gate", "negatives_let_through"), {_CLEAN: 0.003, _STRESSED: 0.008}, at_least=False),
    Goal(("set", "coverage"), {_CLEAN: 0.95, _STRESSED: 0.95}, at_least=True),
    Goal(("set", "mean_size"), {_CLEAN: 1.25, _STRESSED: 1.25}, at_least=False),
    Goal(("set", "strangers_not_named_alone"), {_CLEAN: 0.87}, at_least=True),
    Goal(("taxon", "group_right"), {_CLEAN: 0.88}, at_least=True),
    Goal(("taxon", "group_named"), {_CLEAN: 0.60}, at_least=True),
    Goal(("looks", "mean"), {_CLEAN: 1.45}, at_least=False),
)


def write(version: str, data: Dataset, fitted: Fitted) -> str:
    """The card as Markdown."""
    trained, judged, rules = fitted.trained, fitted.judged, fitted.rules
    clean, stressed = judged.clean, judged.stressed
    counts = [reasons.counts(results) for results in judged.columns.values()]
    lost = stressed.parrot[stressed.of(Group.PARROTS) & ~stressed.is_parrot]
    by_stress = {name: results.figures() for name, results in judged.by_stress().items()}
    columns = judged.figures()
    card: str = template(
        "card.md", rule=lambda reason: rules.reasons and _rule(rules.reasons, reason)
    ).render(
        version=version,
        data=data,
        policy=trained.policy,
        calibration=fitted.calibration,
        rules=rules,
        tail=trained.tail,
        tail_file=TAIL_FILE,
        tail_blocks=TAIL_BLOCKS,
        input=INPUT,
        fewest=FEWEST,
        dimensions=DIMENSIONS,
        alike=embedding.nearest_alike(trained.first_looks, data.photos),
        clean=clean,
        sources=len({photo.source for photo in clean.photos}),
        sourced=any(photo.source for photo in clean.photos),
        groups=Counter(photo.group for photo in clean.photos),
        species=Counter(clean.species[k] for k in clean.target[clean.known]),
        draws=len(stressed.photos) // len(clean.photos),
        stresses=len(STRESSES),
        folds=len(data.folds),
        columns=columns,
        FIGURES=FIGURES,
        by_stress=_BY_STRESS,
        stressed=by_stress,
        reason_rows=list(zip(*counts, strict=True)),
        reasons_given={
            name: sum(count.given for count in column) / max(1, int((~results.is_parrot).sum()))
            for column, (name, results) in zip(counts, judged.columns.items(), strict=True)
        },
        several=fitted.several,
        contradictions=fitted.contradictions,
        joint_names=joint.NAMES,
        tuning=fitted.fine_tuning,
        targets=list(_targets(columns, by_stress)),
        by_seen=list(_by_seen(data, fitted)),
        prices=[_price(clean, share) for share in (0.955, 0.97, 0.985, 0.99)],
        lost=f"{np.median(lost):.2f}" if len(lost) else "none",
        sure=SURE,
        ranks=_ranks(fitted),
    )
    return card


def template(name: str, **filters: Callable[..., Any]) -> Any:
    """One of this package's templates, as Jinja has it."""
    environment = Environment(  # noqa: S701 - Markdown, of the project's own figures and ids
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    environment.filters.update(
        figure=figure_text,
        percent=_percent,
        short=_short,
        joint=_joint,
        **filters,
    )
    return environment.from_string(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _targets(columns: Figures, by_stress: Mapping[str, Figures]) -> Iterator[tuple[str, ...]]:
    """A row per target and column; a miss names the stresses that cost most."""
    for target in TARGETS:
        part, key = target.figure
        for column, bound in target.bounds.items():
            figure = columns.get(column, {}).get(part, {}).get(key)
            measured = rate_or_number(figure)
            if measured is None:
                continue
            missed, result = target.missed(measured, bound), "reached"
            if missed > 0:
                share = isinstance(figure, dict)
                result = (
                    f"missed by {missed * 100:.1f} points" if share else f"missed by {missed:.2f}"
                )
                if column == _STRESSED:
                    result += f"; worst: {', '.join(_worst(target, by_stress))}"
            yield (
                f"{FIGURES[target.figure]}, {column}",
                f"{'at least' if target.at_least else 'at most'} {bound:g}",
                f"{measured:.3f}",
                result,
            )


def _worst(target: Goal, by_stress: Mapping[str, Figures]) -> list[str]:
    part, key = target.figure
    measured = [
        (value, name)
        for name, figures in by_stress.items()
        if (value := rate_or_number(figures[part][key])) is not None
    ]
    measured.sort(reverse=not target.at_least)
    return [f"{name} {value:.3f}" for value, name in measured[:3]]


def _by_seen(data: Dataset, fitted: Fitted) -> Iterator[tuple[str, ...]]:
    """How names do by how many photos of the kind the model that judged them had seen."""
    clean = fitted.judged.clean
    same = data.target == data.target[clean.known, None]
    seen = (same & (data.fold != data.fold[clean.known, None])).sum(axis=1)
    covered = clean.sets[clean.known, data.target[clean.known]]
    for low, high in pairwise((0, *_LIMITS, len(data.photos) + 1)):
        rows = (seen >= low) & (seen < high)
        if rows.any():
            kinds = len(set(data.target[clean.known[rows]].tolist()))
            figures = (rate(clean.right[rows]), rate(covered[rows]))
            title = f"{low} or more" if high > len(data.photos) else f"{low} to {high - 1}"
            yield (title, str(kinds), *map(figure_text, figures))


def _price(clean: Results, share: float) -> tuple[str, ...]:
    """What passes where this share of parrots does."""
    parrots = clean.parrot[clean.of(Group.PARROTS)]
    threshold = metrics.threshold_keeping(parrots, share)
    passed = [rate(clean.parrot[clean.of(group)] >= threshold) for group in _OTHERS]
    return (f"{share:.1%}", f"{threshold:.2f}", *map(figure_text, passed))


def _ranks(fitted: Fitted) -> str:
    """By what rank parrots of other species were named, as they are."""
    clean = fitted.judged.clean
    named = [clean.named[row] for row in clean.strangers]
    ranks = Counter("none" if name is None else name.rank.value for name in named)
    return ", ".join(f"{rank} {count / len(named):.0%}" for rank, count in ranks.most_common())


def _rule(policy: ReasonPolicy, reason: Reason) -> str:
    """When a reason is given."""
    limit = getattr(policy, reason)
    if reason in PHOTOMETRIC:
        if limit is None:
            return "never: not precise enough"
        sign = PHOTOMETRIC[reason]
        return f"{sign} below {limit:.3g}{_UNITS[sign]}, the gate not sure"
    rule = f"the gate is sure ({policy.sure:g})"
    return rule if limit is None else f"{rule}, or says {limit:.2f} and the photo is not why"


def _percent(share: float | None, digits: int = 1) -> str:
    return "none" if share is None else f"{share:.{digits}%}"


def _short(figure: Any) -> str:
    """Without its interval."""
    return _percent(figure["rate"]) if isinstance(figure, dict) else _number(figure)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _joint(figure: joint.Comparison | None, name: str) -> str:
    """One figure by single photos -> by the joint answer."""
    if figure is None:
        return ""
    if name == "size":
        return f"{figure.single:.2f} -> {figure.joint:.2f} ({figure.low:+.2f}..{figure.high:+.2f})"
    points = f"{figure.low * 100:+.1f}..{figure.high * 100:+.1f}"
    return f"{figure.single:.1%} -> {figure.joint:.1%} ({points}, n = {figure.photos})"
