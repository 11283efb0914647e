"""A ledger of twelve trades worked by hand: every number below can be checked with a pocket calculator.

The rules: taker fee 0.1 %, maker fee 0.04 %, 0.50 for each fill on top; slippage 0.1 % on market and stop fills; prices
on a grid of 0.05, rounded up for a buyer and down for a seller; quantities in lots of 0.1, rounded down.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.unit.matching.tables import Bar, candles

from seatrial_trading.matching import BarStepper, EntryOrder, ExecutionConfig, OrderKind, simulate
from seatrial_trading.matching.layout import SizeKind
from seatrial_trading.strategy.signals import Signals

NAN = float("nan")
EXACT = 1e-8
CONFIG = ExecutionConfig(
    cash=10_000.0,
    taker_fee_rate=0.001,
    maker_fee_rate=0.0004,
    fixed_fee=0.5,
    slippage_bps=10,
    tick_size=0.05,
    lot_size=0.1,
    allow_short=True,
    sizing="notional:1000",
)
# Open, high, low, close; the number on the right is the bar's.
BARS: list[Bar] = [
    (100.00, 101.00, 99.00, 100.00),  # 0
    (100.02, 103.00, 99.50, 102.50),  # 1: trade 1 buys at the open
    (102.50, 104.50, 102.00, 104.00),  # 2: ... and its target 104 is reached
    (103.90, 104.60, 103.10, 103.20),  # 3: trade 2 buys at the open
    (103.20, 103.50, 101.50, 102.00),  # 4: ... and its stop is reached
    (101.50, 102.00, 101.00, 101.20),  # 5: the limit of trade 3 is not
    (101.20, 101.40, 100.20, 100.80),  # 6: ... but here it is
    (100.80, 102.20, 100.60, 102.00),  # 7: an exit is signalled at the close
    (102.03, 102.50, 101.50, 102.00),  # 8: ... and fills at the open
    (101.97, 102.60, 101.30, 102.40),  # 9: trade 4 sells short at the open
    (105.20, 106.00, 105.00, 105.50),  # 10: ... and this bar opens beyond its stop
    (105.60, 106.10, 104.80, 105.00),  # 11: the limit of trade 5 is not reached
    (105.00, 106.50, 104.90, 106.00),  # 12: ... but here it is
    (106.00, 106.30, 102.70, 103.50),  # 13: ... and so is its target
    (103.50, 103.80, 102.60, 103.00),  # 14: the stop entry of trade 6 is not reached
    (102.70, 102.90, 101.00, 101.20),  # 15: ... but here it is
    (101.20, 101.50, 99.60, 100.40),  # 16: lowest price of trade 6: 99.60
    (100.40, 102.00, 100.30, 101.80),  # 17: ... and 2.00 above it
    (101.90, 102.20, 101.50, 102.00),  # 18: the stop entry of trade 7 is not reached
    (102.00, 103.05, 101.90, 102.90),  # 19: ... but here it is
    (104.20, 105.45, 104.10, 105.00),  # 20: highest price of trade 7: 105.45
    (105.00, 105.20, 103.20, 103.50),  # 21: ... and 1.5 % of the entry below it
    (103.60, 104.90, 103.40, 104.60),  # 22: the stop-limit of trade 8 is reached
    (104.60, 108.00, 104.50, 107.80),  # 23: ... and its target
    (107.33, 107.80, 106.50, 107.00),  # 24: opens below the limit of trade 9, which takes the open
    (107.00, 107.20, 105.00, 105.60),  # 25: ... and its stop is reached
    (105.58, 106.00, 104.20, 104.50),  # 26: trade 10 sells short at the open
    (103.92, 104.80, 103.10, 104.00),  # 27: ... and is turned round at the open: trade 11 buys
    (104.00, 106.40, 100.50, 103.00),  # 28: both its stop and its target: the stop, because the order is unknown
    (103.08, 104.00, 102.50, 103.50),  # 29: trade 12 buys all that can be paid
    (103.50, 104.60, 103.30, 104.30),  # 30: the end
]


@dataclass(frozen=True)
class Decision:
    """What is decided at the close of a bar; `base` 0: the stops are ratios of the fill, 1: prices."""

    bar: int
    side: int
    leave: bool = False
    kind: OrderKind = OrderKind.MARKET
    limit: float = NAN
    trigger: float = NAN
    stop: float = NAN
    target: float = NAN
    trail: float = NAN
    base: int = 1
    size_kind: SizeKind = SizeKind.NOTIONAL
    size: float = NAN


DECISIONS = [
    Decision(0, 1, target=104.00),
    Decision(2, 1, stop=101.97, target=110.00),  # the stop goes to 101.95, down because it sells
    Decision(4, 1, kind=OrderKind.LIMIT, limit=100.53, size_kind=SizeKind.FIXED, size=7.77),  # the limit goes to 100.55
    Decision(7, 0, leave=True),
    Decision(8, -1, stop=104.00, target=98.00),
    Decision(10, -1, kind=OrderKind.LIMIT, limit=106.22, target=103.01),  # the limit to 106.20, the target to 103.05
    Decision(13, -1, kind=OrderKind.STOP, trigger=102.52, trail=2.00),  # the trigger goes to 102.50
    Decision(17, 1, kind=OrderKind.STOP, trigger=102.28, trail=0.015, base=0),  # the trigger goes to 102.30
    Decision(21, 1, kind=OrderKind.STOP_LIMIT, trigger=104.20, limit=104.40, stop=0.02, target=0.03, base=0),
    Decision(23, 1, kind=OrderKind.LIMIT, limit=107.90, stop=105.40, size_kind=SizeKind.RISK, size=0.01),
    Decision(25, -1, stop=108.00),
    Decision(26, 1, leave=True, stop=101.00, target=106.00),
    Decision(28, 1, size_kind=SizeKind.EQUITY, size=1.0),
]


@dataclass(frozen=True)
class Worked:
    """One trade as worked by hand; money to the last digit."""

    side: str
    entry_index: int
    entry_price: float
    exit_index: int
    exit_price: float
    exit_reason: str
    quantity: float
    entry_fee: float
    exit_fee: float
    pnl_gross: float
    pnl: float
    slippage: float
    gap: bool = False
    ambiguous: bool = False


WORKED = [
    # 1: market in, target out. In 100.02 * 1.001 = 100.12002, up to 100.15. Out 104.00, a maker's, without slippage.
    # 1000 / 100.15 = 9.985, down to 9.9. Fees 9.9 * 100.15 * 0.001 + 0.5 = 1.491485 and
    # 9.9 * 104 * 0.0004 + 0.5 = 0.91184. 9.9 * (104.00 - 100.15) = 38.115, less 2.403325. Slipped: 9.9 * 0.13.
    Worked("long", 1, 100.15, 2, 104.00, "take_profit", 9.9, 1.491485, 0.91184, 38.115, 35.711675, 1.287),
    # 2: market in, stop out. In 103.90 * 1.001 = 104.0039, to 104.05. Out 101.95 * 0.999 = 101.84805, down to 101.80.
    # 1000 / 104.05 = 9.61, down to 9.6. Fees 0.99888 + 0.5 and 0.97728 + 0.5. 9.6 * (101.80 - 104.05) = -21.60.
    # Slipped: 9.6 * (0.15 + 0.15).
    Worked("long", 3, 104.05, 4, 101.80, "stop_loss", 9.6, 1.49888, 1.47728, -21.6, -24.57616, 2.88),
    # 3: limit in at 100.55, a maker's; exit signal out. Out 102.03 * 0.999 = 101.92797, down to 101.90.
    # 7.77 down to 7.7. Fees 7.7 * 100.55 * 0.0004 + 0.5 = 0.809694, 0.78463 + 0.5. 7.7 * 1.35 = 10.395.
    Worked("long", 6, 100.55, 8, 101.90, "signal", 7.7, 0.809694, 1.28463, 10.395, 8.300676, 1.001),
    # 4: short, market in, out at the open of a gap through the stop of 104. In 101.97 * 0.999 = 101.86803, down to
    # 101.85. Out 105.20 * 1.001 = 105.3052, up to 105.35. 1000 / 101.85 = 9.818, down to 9.8.
    # 9.8 * (101.85 - 105.35) = -34.30. Slipped: 9.8 * (0.12 + 0.15).
    Worked("short", 9, 101.85, 10, 105.35, "stop_loss", 9.8, 1.49813, 1.53243, -34.3, -37.33056, 2.646, gap=True),
    # 5: short, limit in at 106.20, target out at 103.05, a maker's twice. 1000 / 106.20 = 9.416, down to 9.4.
    # Fees 9.4 * 106.20 * 0.0004 + 0.5 = 0.899312, 9.4 * 103.05 * 0.0004 + 0.5 = 0.887468. 9.4 * 3.15 = 29.61.
    Worked("short", 12, 106.20, 13, 103.05, "take_profit", 9.4, 0.899312, 0.887468, 29.61, 27.82322, 0.0),
    # 6: short, stop in at 102.50 * 0.999 = 102.3975, down to 102.35; trailing out at 99.60 + 2.00 = 101.60,
    # * 1.001 = 101.7016, up to 101.75. 1000 / 102.35 = 9.770, down to 9.7. 9.7 * 0.60 = 5.82.
    Worked("short", 15, 102.35, 17, 101.75, "trailing", 9.7, 1.492795, 1.486975, 5.82, 2.84023, 2.91),
    # 7: stop in at 102.30 * 1.001 = 102.4023, up to 102.45; it trails by 1.5 % of that, 1.53675: out at
    # 105.45 - 1.53675 = 103.91325, * 0.999 = 103.80933675, down to 103.80. 1000 / 102.45 = 9.761, down to 9.7.
    # 9.7 * 1.35 = 13.095. Slipped: 9.7 * (0.15 + 0.11325).
    Worked("long", 19, 102.45, 21, 103.80, "trailing", 9.7, 1.493765, 1.50686, 13.095, 10.094375, 2.553525),
    # 8: stop-limit in at 104.20 * 1.001 = 104.3042, up to 104.35, within its limit of 104.40; target out at
    # 104.35 * 1.03 = 107.4805, down to 107.45. 1000 / 104.35 = 9.583, down to 9.5. 9.5 * 3.10 = 29.45.
    Worked("long", 22, 104.35, 23, 107.45, "take_profit", 9.5, 1.491325, 0.90831, 29.45, 27.050365, 1.425),
    # 9: a limit of 107.90 that takes the open: 107.33 * 1.001 = 107.43733, up to 107.45, with a taker's fee.
    # It risks 1 % of 10 049.913821 (10 000 and all net results so far): 100.49913821 / (107.45 - 105.40) = 49.02, down
    # to 49.0. Out 105.40 * 0.999 = 105.2946, down to 105.25. 49 * -2.20 = -107.80. Slipped: 49 * (0.12 + 0.15).
    Worked("long", 24, 107.45, 25, 105.25, "stop_loss", 49.0, 5.76505, 5.65725, -107.8, -119.2223, 13.23),
    # 10: short, market in, exit signal out. In 105.58 * 0.999 = 105.47442, down to 105.45.
    # Out 103.92 * 1.001 = 104.02392, up to 104.05. 1000 / 105.45 = 9.483, down to 9.4. 9.4 * 1.40 = 13.16.
    Worked("short", 26, 105.45, 27, 104.05, "signal", 9.4, 1.49123, 1.47807, 13.16, 10.1907, 2.444),
    # 11: in at the same open and price; stop out on an ambiguous bar at 101.00 * 0.999 = 100.899, down to 100.85.
    # 1000 / 104.05 = 9.61, down to 9.6. 9.6 * -3.20 = -30.72. Slipped: 9.6 * (0.13 + 0.15).
    Worked(
        "long", 27, 104.05, 28, 100.85, "stop_loss", 9.6, 1.49888, 1.46816, -30.72, -33.68704, 2.688, ambiguous=True
    ),
    # 12: in 103.08 * 1.001 = 103.18308, up to 103.20; all of 9 907.195181 but two fixed fees and two of 0.1 %:
    # 9 906.195181 / (103.20 * 1.002) = 95.799, down to 95.7. Out at the last close: 104.30 * 0.999 = 104.1957,
    # down to 104.15. 95.7 * 0.95 = 90.915. Fees 9.87624 + 0.5 and 9.967155 + 0.5. Slipped: 95.7 * (0.12 + 0.15).
    Worked("long", 29, 103.20, 30, 104.15, "end_of_data", 95.7, 10.37624, 10.467155, 90.915, 70.071605, 25.839),
]
# 10 000 and the twelve net results.
FINAL_CASH = 9_977.266786
# Equity at the close of a bar: cash and what is held at the close.
MARKS = {
    0: 10_000.0,
    1: 10_021.773515,  # 10 000 - 1.491485 + 9.9 * (102.50 - 100.15)
    2: 10_035.711675,  # trade 1 is over
    6: 10_012.250821,  # 10 011.135515 - 0.809694 + 7.7 * (100.80 - 100.55)
    9: 10_012.548061,  # 10 019.436191 - 1.49813 - 9.8 * (102.40 - 101.85)
    10: 9_982.105631,  # trade 4 is over
    16: 10_027.351056,  # 10 009.928851 - 1.492795 - 9.7 * (100.40 - 102.35)
    27: 9_938.903341,  # 9 940.882221 - 1.49888 + 9.6 * (104.00 - 104.05)
    29: 9_925.528941,  # 9 907.195181 - 10.37624 + 95.7 * (103.50 - 103.20)
}


def decisions() -> Signals:
    """Return the decisions as columns."""
    n = len(BARS)
    rows = {decision.bar: decision for decision in DECISIONS}

    def column(name: str, otherwise: float, kind: type[np.generic] | type[float] = float) -> Any:
        return np.array([getattr(rows[i], name) if i in rows else otherwise for i in range(n)], dtype=kind)

    return Signals(
        entry=column("side", 0, np.int8),
        exit=column("leave", 0, np.bool_),
        stop_loss=column("stop", NAN),
        take_profit=column("target", NAN),
        trailing=column("trail", NAN),
        entry_type=column("kind", 0, np.int8),
        limit_price=column("limit", NAN),
        stop_price=column("trigger", NAN),
        base=column("base", 1, np.int8),
        size=column("size", NAN),
        size_kind=column("size_kind", 0, np.int8),
    )


def test_the_ledger_of_twelve_trades_is_the_one_worked_by_hand() -> None:
    result = simulate(candles(BARS), decisions(), CONFIG)

    assert [trade.exit_reason for trade in result.trades] == [worked.exit_reason for worked in WORKED]
    for trade, worked in zip(result.trades, WORKED, strict=True):
        for name, value in vars(worked).items():
            value = getattr(trade, name)
            expected = pytest.approx(value, rel=0, abs=EXACT) if isinstance(value, float) else value
            assert value == expected, (trade.id, name)
    assert result.rejected == []
    assert (result.ambiguous_bars, result.ambiguous_trades) == (1, 1)


def test_cash_and_marks_of_the_ledger_are_those_worked_by_hand() -> None:
    result = simulate(candles(BARS), decisions(), CONFIG)

    assert result.final_cash == pytest.approx(FINAL_CASH, rel=0, abs=EXACT)
    assert result.equity[-1] == pytest.approx(FINAL_CASH, rel=0, abs=EXACT)
    assert {bar: result.equity[bar + 1] for bar in MARKS} == pytest.approx(MARKS, rel=0, abs=EXACT)


def test_the_bar_driven_exchange_writes_the_same_ledger() -> None:
    stepper = BarStepper(CONFIG, "X", 60_000)
    rows = {decision.bar: decision for decision in DECISIONS}
    fills = []
    for i, bar in enumerate(BARS):
        fills += stepper.on_bar(60_000 * i, *bar)
        if row := rows.get(i):
            order = EntryOrder(row.kind, row.limit, row.trigger, 0, row.size_kind, row.size)
            base = "price" if row.base else "fill"
            assert stepper.decide(row.side, row.leave, row.stop, row.target, row.trail, base, order) is None  # type: ignore[arg-type]
    fills += stepper.finish()

    assert [fill.trade.pnl for fill in fills if fill.trade] == pytest.approx(
        [worked.pnl for worked in WORKED], rel=0, abs=EXACT
    )
    assert len(fills) == 2 * len(WORKED)
    assert stepper.cash == pytest.approx(FINAL_CASH, rel=0, abs=EXACT)
