"""A driver that decides bar by bar gets from the scanner the trades that the arrays give."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.matching.tables import FREE, SIGNAL_BAR, candles, one_entry
from tests.unit.matching.test_agreement import CONFIGS, market, order_at, with_orders

from seatrial_trading.matching import EntryOrder, ExecutionConfig, OrderKind, Scanner, TradeRecord, simulate
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def scanned(bars: Candles, signals: Signals, config: ExecutionConfig) -> tuple[list[TradeRecord], list[float]]:
    scanner, trades = Scanner(bars, config), []
    assert signals.stop_loss is not None
    assert signals.take_profit is not None
    assert signals.trailing is not None
    for i in np.flatnonzero(signals.entry).tolist():
        if i < scanner.next_bar:
            continue
        trade = scanner.scan(
            i,
            int(signals.entry[i]),
            float(signals.stop_loss[i]),
            float(signals.take_profit[i]),
            float(signals.trailing[i]),
            "fill",
            order_at(signals, i),
        )
        trades += [trade] if trade else []
    scanner.rest()
    return trades, scanner.equity.tolist()


@FEW
@given(st.integers(0, 10_000), CONFIGS, st.booleans())
def test_scans_equal_whole_arrays(seed: int, config: ExecutionConfig, expires_at_once: bool) -> None:
    bars, signals = market(seed, 150)
    if expires_at_once:  # nothing waits longer than a bar, so that no new entry can replace it
        signals = replace(with_orders(bars, signals, seed), expires=np.ones(150, dtype=np.int64))
    signals = replace(signals, exit=np.zeros(150, dtype=np.bool_))

    whole = simulate(bars, signals, config)
    trades, equity = scanned(bars, signals, config)

    assert trades == whole.trades
    assert equity == whole.equity.tolist()


def test_an_exit_can_be_signalled_while_the_position_is_open() -> None:
    bars = candles([SIGNAL_BAR, SIGNAL_BAR, (101.0, 102.0, 100.0, 101.0), (103.0, 104.0, 102.0, 103.0)])
    signals = one_entry(4)
    signals.exit[2] = True
    scanner = Scanner(bars, FREE)

    trade = scanner.scan(0, 1, exit_at=2)

    assert trade == simulate(bars, signals, FREE).trades[0]
    assert scanner.next_bar == 3


def test_a_rejected_decision_has_a_reason() -> None:
    bars = candles([SIGNAL_BAR] * 4)
    scanner = Scanner(bars, FREE)

    assert scanner.scan(0, -1) is None
    assert scanner.reason == "selling short is not allowed"
    assert scanner.scan(1, 1, order=EntryOrder(OrderKind.LIMIT, limit_price=50, expires_bars=1)) is None
    assert scanner.reason == "the order expired unfilled"
    with pytest.raises(ValueError, match="bar must be from"):
        scanner.scan(0, 1)
