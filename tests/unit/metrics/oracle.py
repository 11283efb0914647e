"""A naive equity curve: it keeps every mark and recomputes everything from the first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, localcontext

Mark = tuple[str, datetime, Decimal]


@dataclass(frozen=True)
class Expected:
    """The figures that the books must have."""

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
        return _replay(sorted(by_instant.items()), openings)


def _replay(instants: list[tuple[datetime, dict[str, Decimal]]], openings: Mapping[str, Decimal]) -> Expected:
    last: dict[str, Decimal] = {}
    total = peak = base = session_start = deepest = Decimal(0)
    day = None
    series = []
    for instant, marks in instants:
        joined = sum((openings.get(name, equity) for name, equity in marks.items() if name not in last), Decimal(0))
        session_start = (session_start if day == instant.date() else total) + joined
        last.update(marks)
        total = sum(last.values(), Decimal(0))
        base += joined
        peak = max(peak + joined, total)
        if peak > 0:
            deepest = max(deepest, Decimal(repr(max(0.0, 1.0 - float(total) / float(peak)))))
        day = instant.date()
        series.append((instant, total))
    return Expected(total, peak, base, session_start, deepest, series)
