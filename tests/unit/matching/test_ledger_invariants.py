"""Invariants I1 to I5: the ledger adds up; every fill is paid for, within its bar and after its decision."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.matching.invariants import invariant
from tests.unit.matching.random_markets import ANY_TERMS, SEEDS, RandomMarket, random_market

from seatrial_trading.matching import ExecutionConfig, OrderKind, Simulation, TradeRecord, simulate
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

RELATIVE = 1e-9


def scale(result: Simulation) -> float:
    """Return the largest equity, which rounding errors are relative to."""
    return float(np.abs(result.equity).max())


@invariant("I1", few=40, thorough=700)
@given(SEEDS, ANY_TERMS)
def test_i1_final_equity_is_initial_balance_plus_profit(seed: int, terms: ExecutionConfig) -> None:
    market = random_market(seed)
    result = simulate(market.candles, market.signals, replace(terms, close_at_end=False))
    made = sum(trade.pnl for trade in result.trades)
    if result.open_quantity:
        # The same run, closed at the end, has the entry price and fee of the last position.
        last = simulate(market.candles, market.signals, replace(terms, close_at_end=True)).trades[-1]
        assert last.exit_reason == "end_of_data"
        made += result.open_quantity * (market.candles.close[-1] - last.entry_price) - last.entry_fee

    assert result.equity[-1] == pytest.approx(terms.cash + made, rel=0, abs=RELATIVE * scale(result))
    marked = result.final_cash + result.open_quantity * market.candles.close[-1]
    assert result.equity[-1] == pytest.approx(marked, rel=0, abs=RELATIVE * scale(result))


@invariant("I2", few=40, thorough=600)
@given(SEEDS, ANY_TERMS)
def test_i2_every_fill_pays_the_fee_of_its_kind(seed: int, terms: ExecutionConfig) -> None:
    market = random_market(seed)
    result = simulate(market.candles, market.signals, replace(terms, close_at_end=True))
    maker_rate = terms.taker_fee_rate if terms.maker_fee_rate is None else terms.maker_fee_rate
    for trade in result.trades:
        taker, maker = (
            [trade.quantity * price * rate + terms.fixed_fee for price in (trade.entry_price, trade.exit_price)]
            for rate in (terms.taker_fee_rate, maker_rate)
        )
        assert trade.entry_fee in ((taker[0], maker[0]) if may_have_rested(market, trade) else (taker[0],))
        assert trade.exit_fee in ((taker[1], maker[1]) if trade.exit_reason == "take_profit" else (taker[1],))
        assert trade.fees == trade.entry_fee + trade.exit_fee

    paid = terms.cash + sum(trade.pnl_gross for trade in result.trades) - sum(trade.fees for trade in result.trades)
    assert result.final_cash == pytest.approx(paid, rel=0, abs=RELATIVE * scale(result))


def decision_of(market: RandomMarket, trade: TradeRecord) -> int:
    """Return the bar whose close decided the entry of a trade: the last one to ask for its side before it."""
    side = 1 if trade.side == "long" else -1
    return int(np.flatnonzero(market.signals.entry[: trade.entry_index] == side)[-1])


def may_have_rested(market: RandomMarket, trade: TradeRecord) -> bool:
    """Return whether a trade may have been entered by a limit: not if the close before it surely asked for another."""
    signals = market.signals
    assert signals.entry_type is not None
    assert signals.base is not None
    bar = decision_of(market, trade)
    # A decision with prices may have been refused for them, and left the order before it where it was.
    was_taken = bar == trade.entry_index - 1 and signals.base[bar] == 0
    return not (was_taken and signals.entry_type[bar] in (OrderKind.MARKET, OrderKind.STOP))


@invariant("I3", few=40, thorough=700)
@given(SEEDS, ANY_TERMS)
def test_i3_every_fill_is_within_its_bar_apart_from_costs(seed: int, terms: ExecutionConfig) -> None:
    market = random_market(seed)
    bars = market.candles

    def assert_inside(index: int, price: float, side: int, may_gap: bool) -> None:
        low, high = bars.low[index], bars.high[index]
        cost = high * terms.slippage_bps * 1e-4 + (terms.slippage_ticks + 1) * terms.tick_size + 1e-9
        # Nothing is bought below the low or sold above the high, whatever it costs.
        assert price >= low - 1e-9 if side > 0 else price <= high + 1e-9
        # A resting limit that a continuous market opens beyond fills at its price, worse than any of the bar.
        if not may_gap:
            assert price <= high + cost if side > 0 else price >= low - cost

    for trade in simulate(bars, market.signals, terms).trades:
        side = 1 if trade.side == "long" else -1
        continuous = terms.session == "continuous"
        assert_inside(trade.entry_index, trade.entry_price, side, continuous and may_have_rested(market, trade))
        is_target = trade.exit_reason == "take_profit"
        assert_inside(trade.exit_index, trade.exit_price, -side, continuous and is_target and trade.gap)


@invariant("I4", few=20, thorough=200)
@given(SEEDS, ANY_TERMS, st.integers(1, 40))
def test_i4_there_is_one_mark_for_the_start_and_one_for_each_bar(seed: int, terms: ExecutionConfig, n: int) -> None:
    market = random_market(seed, n)

    result = simulate(market.candles, market.signals, terms)

    assert len(result.equity) == n + 1
    assert result.equity[0] == terms.cash
    assert np.isfinite(result.equity).all()
    assert [trade.id for trade in result.trades] == list(range(1, len(result.trades) + 1))
    for trade, following in zip(result.trades, result.trades[1:], strict=False):
        assert trade.exit_index <= following.entry_index


def until(market: RandomMarket, bar: int, rest: RandomMarket) -> tuple[Candles, Signals]:
    """Return bars and decisions of one market until a bar, and those of another after it."""

    def joined(name: str, of: str) -> Any:  # Any: a column of any type
        first, second = (getattr(getattr(run, of), name) for run in (market, rest))
        return np.concatenate([first[: bar + 1], second[bar + 1 :]])

    names = ("open", "high", "low", "close", "volume")
    columns = [name for name, value in vars(market.signals).items() if isinstance(value, np.ndarray)]
    candles = replace(market.candles, **{name: joined(name, "candles") for name in names})
    return candles, replace(market.signals, **{name: joined(name, "signals") for name in columns})


@invariant("I5", few=40, thorough=700)
@given(SEEDS, ANY_TERMS, st.integers(1, 88))
def test_i5_no_fill_comes_at_or_before_its_decision(seed: int, terms: ExecutionConfig, bar: int) -> None:
    market = random_market(seed)
    result = simulate(market.candles, market.signals, terms)
    other = simulate(*until(market, bar, random_market(seed + 1)), terms)
    decided = replace(market.signals, entry=market.signals.entry.copy(), exit=market.signals.exit.copy())
    decided.entry[bar], decided.exit[bar] = -decided.entry[bar], not decided.exit[bar]
    turned = simulate(market.candles, decided, terms)

    # What is bought or sold on a bar is the same whatever is decided at its close and whatever follows.
    for changed in (other, turned):
        before = [[trade for trade in run.trades if trade.exit_index <= bar] for run in (result, changed)]
        assert before[0] == before[1]
        assert changed.equity[: bar + 2].tolist() == result.equity[: bar + 2].tolist()
    for trade in result.trades:
        assert decision_of(market, trade) < trade.entry_index
        if trade.exit_reason == "signal":
            assert market.signals.exit[trade.exit_index - 1]
