"""Kelly's fraction and the sizes made of it, to worked numbers."""

import pytest

from seatrial_core.errors import ValidationFailed
from seatrial_trading.quant.kelly import applied_fraction, kelly, kelly_leverage
from seatrial_trading.quant.sizing import Situation, Sizing, SizingKind, TradeStatistics, kelly_share, parse, quantity

# 40 trades, W = 0.55 and R = 1.5: Kelly 0.25; the average loss is 2 % of the notional.
HISTORY = TradeStatistics(closed=40, wins=22, losses=18, gain_ratios=22 * 0.03, loss_ratios=-18 * 0.02)


@pytest.mark.parametrize(
    ("win_rate", "payoff", "expected"),
    [(0.6, 1.0, 0.2), (0.5, 2.0, 0.25), (0.55, 1.5, 0.25), (0.6, 2.0, 0.4), (0.4, 1.0, -0.2)],
)
def test_kelly_has_the_known_values(win_rate: float, payoff: float, expected: float) -> None:
    assert kelly(win_rate, payoff).value == pytest.approx(expected, abs=1e-12)


def test_kelly_without_a_payoff_is_undefined_with_a_reason() -> None:
    fraction = kelly(0.5, 0.0)

    assert fraction.value is None
    assert fraction.reason == "the payoff ratio is not above zero"


@pytest.mark.parametrize(
    ("full", "fraction", "cap", "expected"),
    [
        (0.25, 0.5, 0.25, 0.125),
        (0.9, 0.5, 0.25, 0.25),
        (-0.2, 0.5, 0.25, 0.0),
        (0.9, 1.0, 5.0, 0.9),
        (1.0, 2.0, 5.0, 1.0),
    ],
)
def test_the_applied_fraction_is_scaled_capped_and_never_negative(
    full: float, fraction: float, cap: float, expected: float
) -> None:
    assert applied_fraction(full, fraction, cap) == pytest.approx(expected)


def test_kelly_leverage_is_mean_over_variance() -> None:
    assert kelly_leverage(0.001, 0.0004).value == pytest.approx(2.5)
    assert kelly_leverage(0.001, 0.0).value is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fixed:10", Sizing(SizingKind.FIXED, 10.0)),
        ("notional:1000", Sizing(SizingKind.NOTIONAL, 1000.0)),
        ("equity:1.0", Sizing(SizingKind.EQUITY, 1.0)),
        ("risk:0.01", Sizing(SizingKind.RISK, 0.01)),
        ("kelly:0.5", Sizing(SizingKind.KELLY, 0.5)),
        ("kelly:0.5:0.1", Sizing(SizingKind.KELLY, 0.5, cap=0.1)),
        ("vol:0.1", Sizing(SizingKind.VOL, 0.1)),
    ],
)
def test_a_size_is_read_and_written_back(text: str, expected: Sizing) -> None:
    assert parse(text) == expected
    assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "equity", "equity:", "equity:x", "equity:nan", "equity:inf", "equity:0", "equity:1.5", "risk:-1"),
        *("half:1", "kelly:0.5:2", "kelly:1:1:1", "equity:1:1", "fixed:1e30"),
    ],
)
def test_a_bad_size_is_refused_by_field_value_and_what_is_allowed(text: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse(text)

    assert caught.value.errors[0].field == "size"
    assert caught.value.errors[0].value == text
    assert "; allowed: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "situation", "expected"),
    [
        ("fixed:10", Situation(10_000.0, 50.0), 10.0),
        ("notional:1000", Situation(10_000.0, 50.0), 20.0),
        ("equity:0.5", Situation(10_000.0, 50.0), 100.0),
        ("risk:0.01", Situation(10_000.0, 100.0, stop_price=98.0), 50.0),
        ("risk:0.01", Situation(10_000.0, 100.0, stop_price=102.0), 50.0),
        ("risk:0.01", Situation(10_000.0, 100.0, history=HISTORY), 50.0),
        ("kelly:0.5", Situation(10_000.0, 100.0, stop_price=98.0, history=HISTORY), 625.0),
        ("kelly:0.5", Situation(10_000.0, 100.0, history=HISTORY), 625.0),
        ("kelly:0.5", Situation(10_000.0, 100.0, stop_price=98.0), 50.0),
        ("vol:0.1", Situation(10_000.0, 100.0, volatility_ratio=0.2), 50.0),
    ],
)
def test_a_quantity_is_what_the_sizing_says(text: str, situation: Situation, expected: float) -> None:
    assert quantity(parse(text), situation).value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "situation", "reason"),
    [
        ("equity:1", Situation(0.0, 100.0), "needs a price and an equity above zero"),
        ("risk:0.01", Situation(10_000.0, 100.0), "needs a stop away from the price"),
        ("risk:0.01", Situation(10_000.0, 100.0, stop_price=100.0), "needs a stop away from the price"),
        ("vol:0.1", Situation(10_000.0, 100.0), "needs a known volatility"),
        (
            "kelly:0.5",
            Situation(10_000.0, 100.0, 98.0, history=TradeStatistics(40, 10, 30, 0.3, -0.3)),
            "Kelly is not above",
        ),
    ],
)
def test_no_quantity_comes_with_the_reason(text: str, situation: Situation, reason: str) -> None:
    units = quantity(parse(text), situation)

    assert units.value is None
    assert str(units.reason).startswith(reason)


def test_kelly_falls_back_until_thirty_trades_and_without_a_loss_or_a_win() -> None:
    sizing = parse("kelly:0.5")

    assert kelly_share(sizing, TradeStatistics(29, 20, 9, 1.0, -0.1)).value == sizing.fallback_risk
    assert kelly_share(sizing, TradeStatistics(30, 30, 0, 1.0, 0.0)).value == sizing.fallback_risk
    assert kelly_share(sizing, TradeStatistics(30, 0, 30, 0.0, -1.0)).value == 0.0
    assert kelly_share(sizing, HISTORY).value == pytest.approx(0.125)
