"""Whether fine-tuned last blocks are accepted: only the guarded figures decide."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from models.training.acceptance import GUARDS, RETRAINING_GUARDS, Acceptance, guarded
from models.training.fine_tuning import FineTuningOrder


def decide(frozen: dict[str, Any], tuned: dict[str, Any]) -> Acceptance:
    return Acceptance(frozen, tuned, FineTuningOrder(Path("unused")))


def figures(**changed: float) -> dict[str, Any]:
    """Every guarded figure at 0.5, but for those named column_part_figure."""
    columns: dict[str, Any] = {}
    for guard in GUARDS:
        part = columns.setdefault(guard.column, {}).setdefault(guard.part, {})
        name = f"{guard.column}_{guard.figure}".replace(" ", "_")
        part[guard.figure] = {"rate": changed.get(name, 0.5)}
    return columns


def test_each_guarded_figure_alone_can_refuse() -> None:
    """Fine-tuning forgets what it is not shown; one loss is one too many."""
    for guard in GUARDS:
        name = f"{guard.column}_{guard.figure}".replace(" ", "_")
        worse, better = (0.49, 0.51) if guard.at_least else (0.51, 0.49)
        refused = decide(figures(), figures(**{name: worse}))
        assert not refused.accepted, guard.name
        assert [figure.name for figure in refused.guarded if figure.worse] == [guard.name]
        assert decide(figures(), figures(**{name: better})).accepted, guard.name
        insisted = replace(refused, order=FineTuningOrder(Path("unused"), although_worse=True))
        assert insisted.accepted, guard.name
        assert insisted.metrics()["worse"] == [guard.name]


def test_where_a_column_has_no_photos_the_others_decide() -> None:
    """Nothing is known there, which is not worse."""
    before, after = figures(), figures()
    del before["as they are"], after["as they are"]
    assert decide(before, after).accepted
    after["stressed"]["gate"]["negatives_let_through"]["rate"] = 0.6
    assert not decide(before, after).accepted


def test_nothing_compared_is_not_accepted() -> None:
    """An empty table is not a good result."""
    assert not decide({}, {}).accepted


def test_a_retrained_bundle_may_not_miss_the_true_kind_more_often() -> None:
    """Its cuts are the old ones: first names may stay right while more sets come out empty."""
    covered, missed = ({"stressed": {"set": {"coverage": {"rate": rate}}}} for rate in (0.95, 0.94))
    (figure,) = guarded(covered, missed, RETRAINING_GUARDS)
    assert figure.worse
    assert guarded(covered, missed) == []
