"""What a story tells a person at a terminal."""

from rich.console import Console
from rich.table import Table

from local.loop.story import Told

_MINUTE = 60
_PAGE, _START = 50, 10  # lines


def show(told: Told, out: Console) -> None:
    """What the commands printed, of a long text the start and the sum, then the figures."""
    for path in told.printed:
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > _PAGE:
            lines = [*lines[:_START], f"... {len(lines)} lines: {path}", lines[-1]]
        out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    steps = Table("step", "minutes")
    for name, seconds in told.seconds.items():
        steps.add_row(name, f"{seconds / _MINUTE:.1f}")
    out.print(steps)
    figures = Table("people never seen", "photos", "before", "after", "difference, 95 %")
    for line in told.differences:
        figures.add_row(
            line.figure,
            str(line.photos),
            f"{line.before:.1%}",
            f"{line.after:.1%}",
            f"{line.low * 100:+.1f}..{line.high * 100:+.1f}",
        )
    out.print(figures)
    if told.refused:
        out.print("[red]The candidate was refused: nothing was promoted.")
    receipt = told.receipt
    out.print(
        f"{told.said_wrong / max(1, told.saved):.1%} of {told.saved} labels were wrong;"
        f" of {told.trains} that train, {told.trains_wrong / max(1, told.trains):.1%}"
        f" ({told.trains_wrong}), after {told.decisions} decisions.\n"
        f"{receipt['user']} left: {receipt['observations']} photos are gone; the signed receipt"
        f" names who had learnt from them: {', '.join(receipt['bundles']) or 'nobody'}.",
        highlight=False,
    )
