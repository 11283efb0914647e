"""The compiled sizes of a run are those of `quant.sizing`, from the account and the trades that had closed by then."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.matching.invariants import examples
from tests.unit.matching.random_markets import HOUR_MS, SEEDS, Floats, random_market
from tests.unit.matching.tables import FREE, Bar, run

from seatrial_trading.matching import ExecutionConfig, TradeRecord, simulate
from seatrial_trading.quant import sizing
from seatrial_trading.quant.sizing import Situation, TradeStatistics
from seatrial_trading.strategy.signals import Signals

SIZES = ["equity:0.7", "risk:0.003", "kelly:0.02", "kelly:1.0:0.004", "vol:0.3"]
FEES = st.sampled_from([0.0, 0.0005])
HOURS_A_YEAR = 31_557_600 / 3_600
WON: Bar = (100.0, 103.0, 100.0, 100.0)
LOST: Bar = (100.0, 100.0, 98.0, 100.0)
# Sixty wins of 3 % in a hundred, and losses of 2 %: W = 0.6, R = 1.5, so that Kelly is 0.6 - 0.4 / 1.5 = 1 / 3.
THIRTY: list[Bar] = [WON, LOST, WON, LOST, WON] * 6


def last_quantity(size: str, stop: float, past: list[Bar]) -> float:
    """Return the quantity of the entry after some one-bar trades, with a stop and without costs."""
    bars = [(100.0, 100.0, 100.0, 100.0), *past, (100.0, 100.0, 100.0, 100.0)]
    n = len(bars)
    entry, stops = np.ones(n, dtype=np.int8), np.full(n, 98.0)
    stops[n - 2] = stop
    signals = Signals(entry, np.zeros(n, dtype=np.bool_), stops, np.full(n, 103.0), stop_base="price")
    trades = run(bars, signals, replace(FREE, cash=10_000.0, sizing=size)).trades
    assert len(trades) == len(past) + 1
    before = 10_000.0 + sum(trade.pnl for trade in trades[:-1])
    return trades[-1].quantity / before


def test_kelly_risks_its_fraction_of_the_worked_share_at_the_stop() -> None:
    # 0.03 / 3 of the equity, lost at 2 a unit.
    assert last_quantity("kelly:0.03", 98.0, THIRTY) == pytest.approx(0.01 / 2, rel=1e-9)


def test_kelly_stops_at_its_cap() -> None:
    assert last_quantity("kelly:1.0", 50.0, THIRTY) == pytest.approx(0.25 / 50, rel=1e-9)
    assert last_quantity("kelly:1.0:0.1", 50.0, THIRTY) == pytest.approx(0.1 / 50, rel=1e-9)


def test_kelly_waits_for_thirty_trades_and_for_a_loss() -> None:
    fallback = sizing.parse("kelly:0.03").fallback_risk

    assert last_quantity("kelly:0.03", 90.0, THIRTY[:29]) == pytest.approx(fallback / 10, rel=1e-9)
    assert last_quantity("kelly:0.03", 90.0, [WON] * 30) == pytest.approx(fallback / 10, rel=1e-9)


def test_kelly_does_not_bet_after_thirty_losses() -> None:
    bars = [(100.0, 100.0, 100.0, 100.0), *[LOST] * 31]
    signals = Signals(np.ones(32, dtype=np.int8), np.zeros(32, dtype=np.bool_), np.full(32, 98.0), stop_base="price")

    result = run(bars, signals, replace(FREE, sizing="kelly:0.5"))

    assert len(result.trades) == 30
    assert [(item.index, item.reason) for item in result.rejected] == [(30, "the sizing gives no quantity")]


def volatilities(close: Floats) -> list[float | None]:
    """Return the yearly volatility known at each close: a mean of squared returns at first, then exponential."""
    values: list[float | None] = [None]
    variance = 0.0
    for count, (before, now) in enumerate(pairwise(close), 1):
        weight = max(0.06, 1.0 / count)
        variance = (1.0 - weight) * variance + weight * (now / before - 1.0) ** 2
        values.append(math.sqrt(variance * HOURS_A_YEAR) if count >= 20 else None)
    return values


def history_of(trades: list[TradeRecord]) -> TradeStatistics:
    """Return what Kelly needs of closed trades."""
    ratios = [trade.pnl / (trade.quantity * trade.entry_price) for trade in trades]
    gains, losses = [ratio for ratio in ratios if ratio > 0], [ratio for ratio in ratios if ratio < 0]
    return TradeStatistics(len(trades), len(gains), len(losses), sum(gains), sum(losses))


@settings(max_examples=examples(25, 400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS, st.sampled_from(SIZES), FEES, st.booleans())
def test_every_entry_has_the_size_of_its_situation(seed: int, size: str, fee: float, allow_short: bool) -> None:
    market = random_market(seed, 250, has_sizes=False)
    # A stop ratio for every entry: its price follows from the fill.
    stops = np.full(250, 0.015)
    signals = replace(market.signals, stop_loss=stops, take_profit=stops * 2, base=np.zeros(250, dtype=np.int8))
    terms = ExecutionConfig(sizing=size, taker_fee_rate=fee, allow_short=allow_short, intrabar="best")
    yearly = volatilities(market.candles.close)
    asked, trades = sizing.parse(size), simulate(market.candles, signals, terms).trades
    assert market.candles.interval_ms == HOUR_MS

    for number, trade in enumerate(trades):
        equity = terms.cash + sum(item.pnl for item in trades[:number])
        stop = trade.entry_price * (1 - 0.015 if trade.side == "long" else 1 + 0.015)
        volatility = yearly[trade.entry_index - 1]
        situation = Situation(equity, trade.entry_price, stop, volatility, history_of(trades[:number]))
        expected = sizing.quantity(asked, situation).value
        affordable = equity / (trade.entry_price * (1 + 2 * fee))
        if size.startswith("equity"):
            expected = 0.7 * affordable  # a share of what can be paid, with the fees of both sides

        assert expected is not None
        assert trade.quantity == pytest.approx(min(expected, affordable), rel=1e-8)
