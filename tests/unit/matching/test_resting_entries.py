"""Limit, stop and stop-limit entries: where they fill, what follows on the rest of their bar, when they expire."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.matching.tables import FREE, SIGNAL_BAR, Bar, mirrored, one_entry, run

from seatrial_trading.matching import BarStepper, EntryOrder, OrderKind, Simulation
from seatrial_trading.matching.config import ExecutionConfig, IntrabarName
from seatrial_trading.strategy.signals import Signals

LIMIT, STOP, STOP_LIMIT = int(OrderKind.LIMIT), int(OrderKind.STOP), int(OrderKind.STOP_LIMIT)


def placed(
    n: int,
    kind: int,
    limit: float = np.nan,
    trigger: float = np.nan,
    stop: float = np.nan,
    target: float = np.nan,
    side: int = 1,
    expires: int = 0,
) -> Signals:
    """Return one entry order placed at the close of bar 0."""
    return replace(
        one_entry(n, stop, target, side=side),
        entry_type=np.full(n, kind, dtype=np.int8),
        limit_price=np.full(n, limit),
        stop_price=np.full(n, trigger),
        expires=np.full(n, expires, dtype=np.int64),
    )


def outcome(result: Simulation) -> list[tuple[float, float, str]]:
    return [(trade.entry_price, trade.exit_price, trade.exit_reason) for trade in result.trades]


def test_l1_a_stop_entry_is_not_charged_what_happened_before_its_fill() -> None:
    bars: list[Bar] = [SIGNAL_BAR, (100, 109, 97, 105)]

    result = run(bars, placed(2, STOP, trigger=103, stop=98, target=108))

    assert outcome(result) == [(103, 108, "take_profit")]
    assert result.ambiguous_bars == 0


@pytest.mark.parametrize(
    ("intrabar", "exit_price", "reason"), [("worst", 99.0, "end_of_data"), ("best", 104.0, "take_profit")]
)
def test_l2_a_limit_entry_takes_part_in_the_rest_of_its_bar_only(
    intrabar: IntrabarName, exit_price: float, reason: str
) -> None:
    bars: list[Bar] = [SIGNAL_BAR, (100, 105, 96, 99)]

    result = run(bars, placed(2, LIMIT, limit=97, stop=95, target=104), replace(FREE, intrabar=intrabar))

    assert outcome(result) == [(97, exit_price, reason)]
    assert result.ambiguous_bars == result.ambiguous_trades == 1


def test_l3_a_fall_through_limit_and_stop_loses_on_both_paths() -> None:
    result = run([SIGNAL_BAR, (100, 103, 94, 99)], placed(2, LIMIT, limit=97, stop=95, target=104))

    assert outcome(result) == [(97, 95, "stop_loss")]
    assert result.ambiguous_bars == 0


def test_l4_a_target_before_the_fill_is_no_profit() -> None:
    result = run([SIGNAL_BAR, (100, 105, 94, 99)], placed(2, LIMIT, limit=97, stop=95, target=104))

    assert outcome(result) == [(97, 95, "stop_loss")]
    assert result.ambiguous_bars == 0


def test_l1_and_l3_mirrored_short() -> None:
    config = replace(FREE, allow_short=True)

    first = run(
        mirrored([SIGNAL_BAR, (100, 109, 97, 105)]),
        placed(2, STOP, trigger=1e4 / 103, stop=1e4 / 98, target=1e4 / 108, side=-1),
        config,
    ).trades[0]
    third = run(
        mirrored([SIGNAL_BAR, (100, 103, 94, 99)]),
        placed(2, LIMIT, limit=1e4 / 97, stop=1e4 / 95, target=1e4 / 104, side=-1),
        config,
    ).trades[0]

    assert (first.side, first.exit_reason) == ("short", "take_profit")
    assert (first.entry_price, first.exit_price) == pytest.approx((1e4 / 103, 1e4 / 108))
    assert (third.entry_price, third.exit_price, third.exit_reason) == pytest.approx((1e4 / 97, 1e4 / 95, "stop_loss"))


def test_a_limit_that_is_marketable_when_submitted_takes_the_open() -> None:
    config = replace(FREE, taker_fee_rate=0.001, maker_fee_rate=0.0)

    trade = run([SIGNAL_BAR, (96, 98, 95, 97)], placed(2, LIMIT, limit=97), config).trades[0]

    assert trade.entry_price == 96
    assert trade.entry_fee == pytest.approx(0.096)


@pytest.mark.parametrize(("session", "price"), [("continuous", 97.0), ("auction", 94.0)])
def test_a_resting_limit_makes_liquidity_at_its_price_also_when_the_bar_opens_beyond(
    session: str, price: float
) -> None:
    config = replace(
        FREE, taker_fee_rate=0.001, maker_fee_rate=-0.0002, session="auction" if session == "auction" else "continuous"
    )

    trade = run([SIGNAL_BAR, SIGNAL_BAR, (94, 98, 93, 97)], placed(3, LIMIT, limit=97), config).trades[0]

    assert (trade.entry_index, trade.entry_price) == (2, price)
    assert trade.entry_fee == pytest.approx(-0.0002 * price)


def test_a_stop_entry_fills_at_the_open_of_a_gap_and_slips() -> None:
    config = replace(FREE, slippage_bps=10)

    gapped = run([SIGNAL_BAR, (106, 107, 105, 106)], placed(2, STOP, trigger=103), config).trades[0]
    touched = run([SIGNAL_BAR, (100, 104, 99, 103)], placed(2, STOP, trigger=103), config).trades[0]

    assert gapped.entry_price == pytest.approx(106 * 1.001)
    assert touched.entry_price == pytest.approx(103 * 1.001)


def test_a_triggered_stop_limit_is_an_ordinary_limit_on_later_bars() -> None:
    jump: Bar = (106, 107, 105, 106)  # opens beyond stop 103 and limit 104: triggered, not filled
    back: Bar = (105, 106, 103.5, 104)

    result = run([SIGNAL_BAR, jump, back], placed(3, STOP_LIMIT, limit=104, trigger=103))

    assert [(trade.entry_index, trade.entry_price) for trade in result.trades] == [(2, 104.0)]


def test_a_stop_limit_never_pays_more_than_its_limit() -> None:
    config = replace(FREE, slippage_bps=200)

    trade = run([SIGNAL_BAR, (100, 105, 99, 104)], placed(2, STOP_LIMIT, limit=103.5, trigger=103), config).trades[0]

    assert trade.entry_price == 103.5


def test_an_order_that_expires_is_reported_by_the_bar_of_its_decision() -> None:
    bars = [SIGNAL_BAR] * 4 + [(100.0, 101.0, 90.0, 95.0)]

    kept = run(bars, placed(5, LIMIT, limit=92))
    expired = run(bars, placed(5, LIMIT, limit=92, expires=3))

    assert [trade.entry_price for trade in kept.trades] == [92]
    assert expired.trades == []
    assert [(item.index, item.reason) for item in expired.rejected] == [(0, "the order expired unfilled")]


def test_an_exit_signal_cancels_a_pending_entry_and_a_new_entry_replaces_it() -> None:
    bars = [SIGNAL_BAR, SIGNAL_BAR, (100.0, 101.0, 90.0, 95.0)]
    cancelled, replaced = placed(3, LIMIT, limit=92), placed(3, LIMIT, limit=92)
    cancelled.exit[1] = True
    replaced.entry[1] = 1
    assert replaced.limit_price is not None
    replaced.limit_price[1] = 91

    assert run(bars, cancelled).trades == []
    assert [trade.entry_price for trade in run(bars, replaced).trades] == [91]


def test_an_order_without_its_price_is_rejected() -> None:
    result = run([SIGNAL_BAR, SIGNAL_BAR], placed(2, LIMIT))

    assert [item.reason for item in result.rejected] == [
        "a limit order needs a limit price above 0, a stop order a stop price above 0"
    ]


def test_a_waiting_order_survives_a_restart() -> None:
    config = ExecutionConfig(taker_fee_rate=0.0)
    stepper = BarStepper(config)
    stepper.on_bar(0, *SIGNAL_BAR)
    stepper.decide(1, order=EntryOrder(OrderKind.STOP_LIMIT, limit_price=104, stop_price=103, expires_bars=3))
    stepper.on_bar(1, 106, 107, 105, 106)

    again = BarStepper.load(config, stepper.dump())
    fills = again.on_bar(2, 105, 106, 103.5, 104)

    assert [(fill.side, fill.price) for fill in fills] == [("BUY", 104)]


def test_a_stepper_reports_an_expired_order() -> None:
    stepper = BarStepper(ExecutionConfig())
    stepper.on_bar(0, *SIGNAL_BAR)
    stepper.decide(1, order=EntryOrder(OrderKind.LIMIT, limit_price=90, expires_bars=1))

    assert stepper.on_bar(1, *SIGNAL_BAR) == []

    assert stepper.rejected is not None
    assert (stepper.rejected.index, stepper.rejected.reason) == (0, "the order expired unfilled")
    assert math.isnan(stepper.entry_price)
