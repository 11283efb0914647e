"""A naive account of equity: it keeps every point and tells the whole story again from the beginning."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, localcontext

Mark = tuple[str, datetime, Decimal]


@dataclass(frozen=True)
class Expected:
    """What the books must say."""

    equity: Decimal
    peak: Decimal
    base: Decimal
    session_start_equity: Decimal
    max_drawdown_ratio: Decimal
    series: list[tuple[datetime, Decimal]]


def expect(marks: Iterable[Mark], openings: Mapping[str, Decimal]) -> Expected | None:
    """Return the figures of the summed accounts, or None without a point.

    The last mark of an account at an instant counts; an account joins at its first instant with its opening balance.
    """
    by_instant: dict[datetime, dict[str, Decimal]] = {}
    for name, instant, equity in marks:
        by_instant.setdefault(instant, {})[name] = equity
    if not by_instant:
        return None
    with localcontext(Context(prec=100)):
        return _tell(sorted(by_instant.items()), openings)


def _tell(story: list[tuple[datetime, dict[str, Decimal]]], openings: Mapping[str, Decimal]) -> Expected:
    worth: dict[str, Decimal] = {}
    total = peak = base = session_start = deepest = Decimal(0)
    day = None
    series = []
    for instant, marks in story:
        joined = sum((openings.get(name, equity) for name, equity in marks.items() if name not in worth), Decimal(0))
        session_start = (session_start if day == instant.date() else total) + joined
        worth.update(marks)
        total = sum(worth.values(), Decimal(0))
        base += joined
        peak = max(peak + joined, total)
        if peak > 0:
            deepest = max(deepest, Decimal(repr(max(0.0, 1.0 - float(total) / float(peak)))))
        day = instant.date()
        series.append((instant, total))
    return Expected(total, peak, base, session_start, deepest, series)
