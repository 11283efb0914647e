"""The state of an equity curve: hand-computed cases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial_core.figures.equity import EquityChange, EquityState

START = datetime(2026, 11, 23, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Return an instant some hours after START."""
    return START + timedelta(hours=hours)


def funded(capital: int) -> EquityState:
    """Return a state with one member that has its capital and no mark."""
    return EquityState().apply(EquityChange(START, flow=Decimal(capital), joining=1))


def moved(state: EquityState, amount: int, hours: float = 2) -> EquityState:
    """Return the state after a deposit, or a withdrawal."""
    return state.apply(EquityChange(at(hours), flow=Decimal(amount)))


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


def test_session_begins_in_the_time_zone_of_the_account() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    state = EquityState().apply(EquityChange(at(0), flow=Decimal(100)), tokyo)

    state = state.mark(Decimal(90), at(14.9), tokyo).mark(Decimal(80), at(15), tokyo)  # 15:00 UTC is midnight there

    assert [state.session_start_equity, state.session_pnl] == [90, -10]


def test_only_a_later_day_begins_a_session() -> None:
    state = funded(100).mark(Decimal(90), at(25))

    assert state.at_day(at(1).date()) is state
    assert state.at_day(at(25).date()) is state


def test_deposit_changes_no_ratio() -> None:
    state = moved(funded(10_000).mark(Decimal(8_500), at(1)), 5_000)

    assert [state.equity, state.base, state.pnl, state.session_pnl] == [13_500, 15_000, -1_500, -1_500]
    assert state.drawdown.value == pytest.approx(0.15, abs=1e-15)
    assert state.session_loss.value == pytest.approx(0.15, abs=1e-15)
    assert float(state.max_drawdown_ratio) == pytest.approx(0.15, abs=1e-15)


def test_withdrawal_makes_no_loss() -> None:
    state = moved(funded(10_000).mark(Decimal(9_900), at(1)), -5_000)

    assert [state.equity, state.pnl, state.session_pnl] == [4_900, -100, -100]
    assert state.drawdown.value == pytest.approx(0.01, abs=1e-15)
    assert state.session_loss.value == pytest.approx(0.01, abs=1e-15)


def test_flow_at_the_peak_is_exact() -> None:
    state = moved(funded(10), 7)

    assert [state.peak, state.session_reference, state.base_reference] == [17, 17, 17]


def test_drawdown_stays_while_everything_is_withdrawn() -> None:
    state = moved(funded(10_000).mark(Decimal(8_500), at(1)), -8_500)
    empty = state.drawdown.value

    state = moved(state, 17_000, hours=3)

    assert empty == pytest.approx(0.15, abs=1e-15)
    assert state.drawdown.value == pytest.approx(0.15, abs=1e-15)
    assert [state.equity, state.pnl] == [17_000, -1_500]


def test_profit_of_an_empty_account_scales_nothing_away() -> None:
    state = moved(funded(1_000).mark(Decimal(800), at(1)), -800)

    state = state.mark(Decimal(4), at(3))  # a rebate

    assert state.drawdown.value == pytest.approx(0.2, abs=1e-15)
    assert state.pnl == -196


def test_deposit_after_a_total_loss_is_added_to_the_peak() -> None:
    state = moved(funded(100).mark(Decimal(-20), at(1)), 50)

    assert [state.equity, state.peak, state.pnl] == [30, 150, -120]
    assert state.max_drawdown_ratio == Decimal("1.2")


def test_unfunded_account_has_no_drawdown() -> None:
    state = EquityState().mark(Decimal(0), at(1))

    assert state.drawdown.value is None
    assert moved(state, 100).drawdown.value == 0


@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(-40, 60)), max_size=20),
)
def test_drawdown_is_that_of_the_time_weighted_return(steps: list[tuple[bool, int]]) -> None:
    state, unit, peak = funded(1_000), 1.0, 1.0
    for hours, (is_flow, percent) in enumerate(steps, start=1):
        amount = state.equity * percent / 100
        if is_flow:
            state = state.apply(EquityChange(at(hours), flow=amount))
        else:
            state = state.apply(EquityChange(at(hours), profit=amount))
            unit *= 1 + percent / 100
            peak = max(peak, unit)
        assert state.drawdown.value == pytest.approx(1 - unit / peak, abs=1e-9)
        assert state.growth.value == pytest.approx(unit, rel=1e-9)


def test_repeated_ruin_and_deposit_stay_within_bounds() -> None:
    huge, dust = Decimal("1e20"), Decimal("1e-18")
    state = funded(1)
    for cycle in range(300):
        state = state.mark(dust, at(3 * cycle + 1))
        state = state.apply(EquityChange(at(3 * cycle + 2), flow=huge)).mark(huge, at(3 * cycle + 3))

    references = [state.peak, state.base_reference, state.session_reference]
    assert all(abs(value.adjusted()) < 60 and len(value.as_tuple().digits) <= 80 for value in references)


def test_repeated_gain_and_withdrawal_stay_within_bounds() -> None:
    huge, dust = Decimal("1e20"), Decimal("1e-18")
    state = funded(1)
    for cycle in range(300):
        state = state.mark(huge, at(3 * cycle + 1))
        state = state.apply(EquityChange(at(3 * cycle + 2), flow=dust - huge))

    references = [state.peak, state.base_reference, state.session_reference]
    assert all(value == 0 or abs(value.adjusted()) < 60 for value in references)


def test_negative_equity_is_a_drawdown_above_one() -> None:
    state = funded(100).mark(Decimal(-50), at(1))

    assert state.max_drawdown_ratio == Decimal("1.5")


def test_sums_are_exact() -> None:
    tiny, huge = Decimal("1e-18"), Decimal("1e20")

    state = funded(0).mark(huge, at(1))
    state = state.apply(EquityChange(at(2), profit=tiny)).apply(EquityChange(at(3), profit=-huge))

    assert state.equity == tiny
