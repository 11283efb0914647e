"""The conformance table: what each decisive bar does to a bracket, worked by hand, long and mirrored short."""

from dataclasses import replace
from typing import cast

import pytest
from tests.unit.matching.conformance_cases import CALM, CASES, Case, fills
from tests.unit.matching.tables import FREE, SIGNAL_BAR, one_entry, run

from seatrial_trading.matching.config import IntrabarName


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_long(case: Case) -> None:
    for mode, expected in (("worst", case.exit), ("best", case.best), ("nearest", case.nearest)):
        result = fills(case, cast(IntrabarName, mode))

        assert [(trade.exit_price, trade.exit_reason) for trade in result.trades] == [expected or case.exit], mode
        assert result.trades[0].entry_price == (case.entry or case.bars[0][0])
        assert result.ambiguous_trades == int(case.is_ambiguous)
        assert result.trades[0].ambiguous == case.is_ambiguous


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_mirrored_short(case: Case) -> None:
    for mode, expected in (("worst", case.exit), ("best", case.best)):
        price, reason = expected or case.exit

        result = fills(case, cast(IntrabarName, mode), is_short=True)

        assert [(trade.exit_price, trade.exit_reason) for trade in result.trades] == [(200 - price, reason)], mode
        assert result.trades[0].entry_price == 200 - (case.entry or case.bars[0][0])
        assert result.trades[0].side == "short"
        assert result.ambiguous_trades == int(case.is_ambiguous)


@pytest.mark.parametrize(
    ("intrabar", "price"), [("worst", 95.0), ("best", 105.0), ("nearest", 105.0)], ids=["worst", "best", "nearest"]
)
def test_the_intrabar_rule_decides_an_ambiguous_bar(intrabar: str, price: float) -> None:
    bars = [SIGNAL_BAR, CALM, (104.0, 106.0, 94.0, 96.0)]
    config = {"worst": FREE, "best": replace(FREE, intrabar="best"), "nearest": replace(FREE, intrabar="nearest")}

    result = run(bars, one_entry(3, 95, 105), config[intrabar])

    assert result.trades[0].exit_price == price
    assert result.ambiguous_bars == 1


@pytest.mark.parametrize(("o", "long", "short"), [(104.0, 105.0, 105.0), (96.0, 95.0, 95.0)])
def test_nearest_goes_to_the_extreme_next_to_the_open_whatever_the_side(o: float, long: float, short: float) -> None:
    bars = [SIGNAL_BAR, CALM, (o, 106.0, 94.0, 100.0)]
    config = replace(FREE, allow_short=True, intrabar="nearest")

    assert run(bars, one_entry(3, 95, 105), config).trades[0].exit_price == long
    assert run(bars, one_entry(3, 105, 95, side=-1), config).trades[0].exit_price == short


def test_fees_are_charged_on_both_sides_also_when_in_and_out_at_one_open() -> None:
    config = replace(FREE, taker_fee_rate=0.001)

    result = run([SIGNAL_BAR, (94, 96, 93, 95)], one_entry(2, 95, 105), config)

    assert result.trades[0].fees == pytest.approx(0.001 * 94 * 2)
    assert result.trades[0].pnl == pytest.approx(-0.188)
    assert result.final_cash == pytest.approx(1_000_000 - 0.188)


def test_a_target_is_a_makers_fill_without_slippage_and_a_stop_slips() -> None:
    config = replace(FREE, taker_fee_rate=0.002, maker_fee_rate=-0.0002, slippage_bps=10)

    won = run([SIGNAL_BAR, CALM, (100, 106, 99, 104)], one_entry(3, 95, 105), config).trades[0]
    lost = run([SIGNAL_BAR, CALM, (100, 101, 94, 95)], one_entry(3, 95, 105), config).trades[0]

    assert won.exit_price == 105
    assert won.exit_fee == pytest.approx(-0.0002 * 105)
    assert won.entry_price == pytest.approx(100.1)
    assert lost.exit_price == pytest.approx(95 * 0.999)
    assert lost.slippage == pytest.approx(0.1 + 0.095)


def test_through_needs_the_price_to_pass_the_limit_by_a_tick() -> None:
    config = replace(FREE, limit_fill="through", tick_size=0.5)
    touched = [SIGNAL_BAR, CALM, (100, 105, 99, 101)]
    passed = [SIGNAL_BAR, CALM, (100, 105.5, 99, 101)]

    assert run(touched, one_entry(3, 95, 105), config).trades[0].exit_reason == "end_of_data"
    assert run(passed, one_entry(3, 95, 105), config).trades[0].exit_price == 105


def test_ratios_are_taken_from_the_fill_price() -> None:
    bars = [SIGNAL_BAR, (102, 103, 101, 102), (102, 107, 101.5, 106)]

    trade = run(bars, one_entry(3, 0.02, 0.04, base="fill")).trades[0]

    assert (trade.entry_price, trade.exit_reason) == (102, "take_profit")
    assert trade.exit_price == pytest.approx(102 * 1.04)


def test_prices_round_against_the_trader_and_quantities_down() -> None:
    config = replace(FREE, sizing="notional:1000", lot_size=0.25, tick_size=0.5, slippage_bps=10)

    trade = run([SIGNAL_BAR, (100, 101, 99, 100), CALM], one_entry(3), config).trades[0]

    assert trade.entry_price == 100.5
    assert trade.quantity == 9.75
    assert trade.exit_price == 99.5


def test_an_unaffordable_entry_is_rejected_with_its_reason() -> None:
    bars = [SIGNAL_BAR, CALM, CALM]

    small = run(bars, one_entry(3), replace(FREE, min_notional=500))
    short = run(bars, one_entry(3, side=-1))
    wrong = run(bars, one_entry(3, stop=105, target=110))

    assert [rejected.reason for rejected in small.rejected] == ["below the minimum notional"]
    assert [rejected.reason for rejected in short.rejected] == ["selling short is not allowed"]
    assert "wrong side" in wrong.rejected[0].reason
    assert small.trades == short.trades == wrong.trades == []


def test_an_exit_signal_fills_at_the_next_open_and_a_reversal_closes_first() -> None:
    bars = [SIGNAL_BAR, (100, 101, 99, 100), (103, 104, 102, 103), (101, 102, 100, 101)]
    signals = one_entry(4)
    signals.entry[1] = -1
    signals.exit[1] = True

    trades = run(bars, signals, replace(FREE, allow_short=True)).trades

    assert [(trade.side, trade.entry_price, trade.exit_price, trade.exit_reason) for trade in trades] == [
        ("long", 100, 103, "signal"),
        ("short", 103, 101, "end_of_data"),
    ]
