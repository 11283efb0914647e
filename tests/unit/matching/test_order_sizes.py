"""An order may say its own size and the base of its stops: the same in every driver."""

import math

import numpy as np
import pytest
from tests.unit.matching.tables import candles

from seatrial_trading.matching import BarStepper, ExecutionConfig, simulate
from seatrial_trading.matching.layout import SizeKind
from seatrial_trading.matching.scanner import Scanner
from seatrial_trading.matching.stepper import EntryOrder
from seatrial_trading.strategy.signals import Signals

BARS = candles([(100.0, 101.0, 99.0, 100.0)] * 6)
CONFIG = ExecutionConfig(cash=10_000.0, taker_fee_rate=0.0, sizing="equity:1.0")
SIZES = [
    (SizeKind.FIXED, 7.0, 7.0),
    (SizeKind.NOTIONAL, 500.0, 5.0),
    (SizeKind.EQUITY, 0.25, 25.0),
    (SizeKind.RISK, 0.01, 50.0),  # 100 at risk, 2 a unit
    (SizeKind.FIXED, math.nan, 100.0),  # as the run sizes
]


@pytest.mark.parametrize(("kind", "size", "units"), SIZES)
def test_an_order_takes_its_own_size_in_every_driver(kind: SizeKind, size: float, units: float) -> None:
    entry = np.array([1, 0, 0, 0, 0, 0], dtype=np.int8)
    signals = Signals(
        entry,
        np.zeros(6, dtype=np.bool_),
        stop_loss=np.full(6, 98.0),
        stop_base="price",
        size=np.full(6, size),
        size_kind=np.full(6, kind, dtype=np.int8),
    )
    order = EntryOrder(size_kind=kind, size=size)
    stepper = BarStepper(CONFIG)
    for i in range(6):
        stepper.on_bar(int(BARS.time_ms[i]), 100.0, 101.0, 99.0, 100.0)
        stepper.decide(int(entry[i]), stop_loss=98.0, stop_base="price", order=order)
    scanned = Scanner(BARS, CONFIG).scan(0, 1, stop_loss=98.0, stop_base="price", order=order)

    assert [trade.quantity for trade in simulate(BARS, signals, CONFIG).trades] == [units]
    assert stepper.position == units
    assert scanned is not None
    assert scanned.quantity == units


def test_rows_say_what_their_stops_are_relative_to() -> None:
    bars = candles([(100.0, 100.5, 99.8, 100.0), (100.0, 110.0, 99.9, 108.0), (108.0, 108.0, 90.0, 95.0)])
    entry, leave = np.array([1, 0, 0], dtype=np.int8), np.zeros(3, dtype=np.bool_)

    def exit_price(base: int, stop: float, trailing: float) -> float:
        columns = (np.full(3, stop), None, np.full(3, trailing))
        signals = Signals(entry, leave, *columns, "price", base=np.full(3, base, dtype=np.int8))
        return simulate(bars, signals, CONFIG).trades[0].exit_price

    assert exit_price(0, 0.04, math.nan) == 96.0
    assert exit_price(1, 96.0, math.nan) == 96.0
    assert exit_price(1, 96.0, 5.0) == 105.0  # the peak is 110
    assert exit_price(2, 96.0, 0.05) == 105.0
