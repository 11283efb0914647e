"""Odd bars through the kernel: they trade as the rules say, or are refused before they reach it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.matching.tables import FREE, MINUTE_MS, SIGNAL_BAR, Bar, candles, one_entry, run

from seatrial_trading.matching import BarStepper, ExecutionConfig, simulate
from seatrial_trading.quant.candles import CandleError, Candles
from seatrial_trading.strategy.signals import Signals

FLAT: Bar = (100.0, 100.0, 100.0, 100.0)
COSTLY = ExecutionConfig(cash=1_000.0, taker_fee_rate=0.001, slippage_bps=10, allow_short=True)


@pytest.mark.parametrize("side", [1, -1])
def test_flat_bars_lose_exactly_the_costs(side: int) -> None:
    result = run([FLAT] * 5, one_entry(5, 100 - side, 100 + side, side=side), replace(COSTLY, sizing="fixed:2"))

    (trade,) = result.trades
    # In 0.1 against, out 0.1 against, two units; a fee of 0.1 % on each side of about 100.
    assert trade.pnl_gross == pytest.approx(-2 * 0.2)
    assert trade.fees == pytest.approx(2 * (100.1 + 99.9) * 0.001)
    assert trade.exit_reason == "end_of_data"
    assert trade.mae_ratio == pytest.approx(0.1 / (100 + side * 0.1))
    assert not trade.ambiguous


def test_a_trailing_stop_on_flat_bars_is_never_reached() -> None:
    result = run([FLAT] * 50, one_entry(50, trail=0.01))

    assert [(trade.exit_index, trade.exit_reason) for trade in result.trades] == [(49, "end_of_data")]


def test_volume_of_zero_fills_like_any_other() -> None:
    bars = [SIGNAL_BAR, SIGNAL_BAR, (100.0, 106.0, 99.0, 104.0)]
    quiet = candles(bars)
    busy = replace(quiet, volume=np.full(3, 1e9))

    results = [simulate(bars, one_entry(3, 95, 105), FREE) for bars in (quiet, busy)]

    assert quiet.volume.tolist() == [0.0, 0.0, 0.0]
    assert results[0].trades == results[1].trades
    assert results[0].trades[0].exit_price == 105


@pytest.mark.parametrize("factor", [1e-10, 1e-8, 1e8])
@pytest.mark.parametrize("side", [1, -1])
def test_prices_of_any_size_make_the_same_returns(factor: float, side: int) -> None:
    bars: list[Bar] = [SIGNAL_BAR, (100, 102, 99, 101), (101, 104, 98, 103), (103, 103.5, 94, 95)]
    tiny: list[Bar] = [(o * factor, h * factor, low * factor, c * factor) for o, h, low, c in bars]
    signals = one_entry(4, 0.02, 0.03, side=side, base="fill")

    usual, small = run(bars, signals, COSTLY).trades, run(tiny, signals, COSTLY).trades

    assert [trade.exit_reason for trade in usual] == [trade.exit_reason for trade in small]
    assert [trade.return_ratio for trade in small] == pytest.approx([trade.return_ratio for trade in usual], rel=1e-9)
    assert small[0].quantity == pytest.approx(usual[0].quantity / factor, rel=1e-9)
    assert small[0].pnl == pytest.approx(usual[0].pnl, rel=1e-9)


@pytest.mark.parametrize(("side", "opened", "low"), [(1, 60.0, 59.0), (-1, 140.0, 139.0)])
def test_a_gap_far_over_the_stop_fills_at_the_open(side: int, opened: float, low: float) -> None:
    bars = [SIGNAL_BAR, SIGNAL_BAR, (opened, low + 2, low, opened)]

    result = run(bars, one_entry(3, 100 - 5 * side, side=side), replace(FREE, allow_short=True))

    assert [(t.exit_price, t.exit_reason, t.gap) for t in result.trades] == [(opened, "stop_loss", True)]
    assert result.trades[0].pnl == -40


def test_a_gap_in_time_keeps_the_order_for_the_next_bar_there_is() -> None:
    bars = candles([SIGNAL_BAR] * 4)
    late = replace(bars, time_ms=np.array([0, 1, 5_000, 5_001]) * MINUTE_MS)
    signals = one_entry(4)
    signals.entry[0], signals.entry[1] = 0, 1

    trade = simulate(late, signals, FREE).trades[0]

    assert (trade.entry_index, trade.entry_time_ms) == (2, 5_000 * MINUTE_MS)


@pytest.mark.parametrize("close_at_end", [True, False])
def test_one_bar_trades_nothing(close_at_end: bool) -> None:
    result = run([SIGNAL_BAR], one_entry(1, 95, 105), replace(FREE, close_at_end=close_at_end))

    assert (result.trades, result.rejected, result.open_quantity) == ([], [], 0.0)
    assert result.equity.tolist() == [FREE.cash, FREE.cash]


def test_an_entry_decided_at_the_last_close_is_never_filled() -> None:
    signals = one_entry(3)
    signals.entry[0], signals.entry[2] = 0, 1

    assert run([SIGNAL_BAR] * 3, signals).trades == []


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_invalid_prices_are_rejected_with_their_row(column: str, value: float) -> None:
    columns = candles([SIGNAL_BAR] * 3).to_columns()
    columns[column][1] = value

    with pytest.raises(CandleError) as caught:
        Candles.from_columns("X", columns)

    assert "candles[1]" in str([error.field for error in caught.value.errors])


def test_signals_of_another_length_are_refused() -> None:
    short = Signals(np.zeros(2, dtype=np.int8), np.zeros(2, dtype=np.bool_))

    with pytest.raises(ValueError, match="2 signals, 3 bars"):
        run([SIGNAL_BAR] * 3, short)
    with pytest.raises(ValueError, match="one length"):
        Signals(np.zeros(2, dtype=np.int8), np.zeros(3, dtype=np.bool_))


def test_nan_stops_have_no_effect() -> None:
    stepper = BarStepper(FREE)
    stepper.on_bar(0, *SIGNAL_BAR)
    stepper.decide(1, stop_loss=math.nan, take_profit=math.nan, trailing=math.nan)
    stepper.on_bar(1, *SIGNAL_BAR)

    assert stepper.on_bar(2, 100.0, 1e6, 1e-6, 50.0) == []
    assert stepper.position == 1
    assert math.isfinite(stepper.equity)
