"""The state of an equity curve: hand-computed cases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from seatrial_core.figures.equity import EquityChange, EquityState

START = datetime(2026, 11, 23, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Return an instant some hours after START."""
    return START + timedelta(hours=hours)


def funded(capital: int) -> EquityState:
    """Return a state with one member that has its capital and no mark."""
    return EquityState().apply(EquityChange(START, Decimal(capital), joined=Decimal(capital), joining=1))


def test_peak_and_drawdown_follow_the_marks() -> None:
    state = funded(100).mark(Decimal(120), at(1)).mark(Decimal(90), at(2)).mark(Decimal(108), at(3))

    assert [state.equity, state.peak, state.pnl] == [108, 120, 8]
    assert state.max_drawdown_ratio == Decimal("0.25")
    assert state.drawdown.value == 1 - 108 / 120


def test_session_starts_with_the_last_equity_of_the_day_before() -> None:
    state = funded(100).mark(Decimal(90), at(23))

    state = state.mark(Decimal(95), at(24))

    assert state.session_day == at(24).date()
    assert [state.session_start_equity, state.session_pnl] == [90, 5]


def test_capital_that_joins_raises_the_peak_and_makes_no_profit() -> None:
    state = funded(100).mark(Decimal(80), at(1))

    state = state.apply(EquityChange(at(2), Decimal(1_000), joined=Decimal(1_000), joining=1))

    assert [state.equity, state.peak, state.base, state.pnl] == [1_080, 1_100, 1_100, -20]
    assert float(state.max_drawdown_ratio) == pytest.approx(0.2)
    assert state.members == 2


def test_negative_equity_is_a_drawdown_above_one() -> None:
    state = funded(100).mark(Decimal(-50), at(1))

    assert state.max_drawdown_ratio == Decimal("1.5")


def test_sums_are_exact() -> None:
    tiny, huge = Decimal("1e-18"), Decimal("1e20")

    state = funded(0).mark(huge, at(1)).apply(EquityChange(at(2), tiny)).apply(EquityChange(at(3), -huge))

    assert state.equity == tiny
