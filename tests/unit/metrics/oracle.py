"""Naive equity curves: every report is kept, and all of them are replayed from the first in exact fractions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple


class Report(NamedTuple):
    """What one account reports at one instant: a mark to market, a transfer, or the result of a trade."""

    account: str
    at: datetime
    kind: str  # mark, flow or result
    amount: Decimal


class Opening(NamedTuple):
    """The opening balance of an account."""

    at: datetime
    balance: Decimal


@dataclass
class Expected:
    """The figures that a curve must have."""

    equity: Fraction = Fraction(0)
    peak: Fraction = Fraction(0)
    base: Fraction = Fraction(0)
    session_start_equity: Fraction = Fraction(0)
    max_drawdown_ratio: Fraction = Fraction(0)
    series: list[tuple[datetime, Fraction]] = field(default_factory=list)
    kept: Fraction | None = None  # what the peak belongs to while everything is withdrawn
    day: object = None

    def apply(self, at: datetime, flow: Fraction, profit: Fraction) -> None:
        """Add one instant."""
        if self.day != at.date():
            self.session_start_equity = self.equity
        self.day = at.date()
        self._move(flow)
        self.equity += profit
        if self.kept is not None and self.equity > 0 and profit:
            self.peak = self._scaled(self.kept, self.equity)
            self.kept = None
        if self.kept is None:
            self.peak = max(self.peak, self.equity)
            if self.peak > 0:
                self.max_drawdown_ratio = max(self.max_drawdown_ratio, 1 - self.equity / self.peak)
        self.series.append((at, self.equity))

    def _move(self, flow: Fraction) -> None:
        before, after = self.equity if self.kept is None else self.kept, self.equity + flow
        if flow and after > 0:
            self.peak = self._scaled(before, after) if before > 0 else self.peak + flow
            self.kept = None
        elif flow and self.equity > 0:
            self.kept = self.equity
        elif flow and self.kept is None:
            self.peak += flow
        self.equity = after
        self.base += flow
        self.session_start_equity += flow

    def _scaled(self, before: Fraction, after: Fraction) -> Fraction:
        is_lost = before < self.peak / 10**9
        return self.peak + after - before if is_lost else self.peak * after / before


def accounts(reports: Iterable[Report], openings: Mapping[str, Opening]) -> Mapping[str, Expected]:
    """Return the curve of every account."""
    return _replay(reports, openings, lambda _: None)


def portfolio(reports: Iterable[Report], openings: Mapping[str, Opening]) -> Expected | None:
    """Return the curve of all accounts together, or None if none of them has begun."""
    curve = Expected()

    def changed(instant: tuple[datetime, Fraction, Fraction]) -> None:
        curve.apply(*instant)

    _replay(reports, openings, changed)
    return curve if curve.series else None


def _replay(
    reports: Iterable[Report],
    openings: Mapping[str, Opening],
    changed: Callable[[tuple[datetime, Fraction, Fraction]], None],
) -> Mapping[str, Expected]:
    by_instant: dict[datetime, dict[str, list[Report]]] = {}
    for report in reports:
        by_instant.setdefault(report.at, {}).setdefault(report.account, []).append(report)
    for name, opening in openings.items():
        by_instant.setdefault(opening.at, {}).setdefault(name, [])
    curves: dict[str, Expected] = {}
    marked: set[str] = set()
    for at, by_account in sorted(by_instant.items()):
        flows = profits = Fraction(0)
        has_change = False
        for name, own in by_account.items():
            change = _change(curves.get(name), name in marked, own, openings.get(name), at)
            if change is not None:
                curves.setdefault(name, Expected()).apply(at, *change)
                flows, profits, has_change = flows + change[0], profits + change[1], True
            if any(report.kind == "mark" for report in own):
                marked.add(name)
        if has_change:
            changed((at, flows, profits))
    return curves


def _change(
    curve: Expected | None, is_marked: bool, own: list[Report], opening: Opening | None, at: datetime
) -> tuple[Fraction, Fraction] | None:
    sums = {
        kind: sum((Fraction(report.amount) for report in own if report.kind == kind), Fraction(0))
        for kind in ("flow", "result")
    }
    marks = [Fraction(report.amount) for report in own if report.kind == "mark"]
    if opening is not None and at < opening.at:
        sums = {"flow": Fraction(0), "result": Fraction(0)}
    flow, equity = sums["flow"], Fraction(0) if curve is None else curve.equity
    if curve is None:
        if opening is not None and (at >= opening.at or marks):
            flow += Fraction(opening.balance)
        elif marks:
            flow = marks[-1]
        else:
            return None
    if marks:
        return flow, marks[-1] - equity - flow
    return flow, Fraction(0) if is_marked else sums["result"]
