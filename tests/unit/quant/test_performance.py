"""Figures about closed trades, to worked numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_trading.quant import performance
from seatrial_trading.quant.trades import TradeColumns

STEADY = settings(deadline=None, derandomize=True, database=None)  # the first example compiles

PNL = [100.0, -50.0, 200.0, -100.0, 50.0, -25.0]


def trades(pnl: list[float], multiples: list[float]) -> TradeColumns:
    size = len(pnl)
    return TradeColumns(
        entry_price=np.full(size, 100.0),
        exit_price=np.full(size, 101.0),
        quantity=np.ones(size),
        fees=np.zeros(size),
        slippage=np.zeros(size),
        pnl_gross=np.array(pnl),
        pnl=np.array(pnl),
        bars_held=np.ones(size),
        r_multiple=np.array(multiples),
    )


def test_the_golden_trades_have_the_golden_figures() -> None:
    assert performance.profit_factor(PNL).value == pytest.approx(2.0)
    assert performance.win_rate(PNL).value == pytest.approx(0.5)
    assert performance.payoff_ratio(PNL).value == pytest.approx(2.0)
    assert performance.expectancy(PNL).value == pytest.approx(29.1667, abs=5e-5)
    assert performance.sqn(PNL).value == pytest.approx(0.649374, abs=5e-7)
    assert performance.kelly_fraction(PNL).value == pytest.approx(0.25)
    assert performance.average_win(PNL).value == pytest.approx(350.0 / 3.0)
    assert performance.average_loss(PNL).value == pytest.approx(-175.0 / 3.0)


def test_breakeven_is_neither_win_nor_loss_but_counts_as_closed() -> None:
    assert performance.win_rate([10.0, 0.0, 0.0, -5.0]).value == 0.25
    assert performance.average_loss([10.0, 0.0, -5.0]).value == -5.0


@pytest.mark.parametrize(
    ("figure", "pnl", "reason"),
    [
        ("win_rate", [], "no closed trades"),
        ("profit_factor", [1.0, 2.0], "no losing trade"),
        ("payoff_ratio", [-1.0], "no winning trade"),
        ("payoff_ratio", [1.0], "no losing trade"),
        ("expectancy", [], "no closed trades"),
        ("sqn", [1.0], "1 closed trades, needs at least 2"),
        ("sqn", [2.0, 2.0, 2.0], "all trades made the same"),
        ("kelly_fraction", [-1.0], "no winning trade"),
        ("kelly_fraction", [1.0], "no losing trade"),
    ],
)
def test_an_undefined_figure_has_a_reason(figure: str, pnl: list[float], reason: str) -> None:
    functions = {
        "win_rate": performance.win_rate,
        "profit_factor": performance.profit_factor,
        "payoff_ratio": performance.payoff_ratio,
        "expectancy": performance.expectancy,
        "sqn": performance.sqn,
        "kelly_fraction": performance.kelly_fraction,
    }

    result = functions[figure](pnl)

    assert result.value is None
    assert result.reason == reason


def test_sqn_stops_counting_at_a_hundred_trades() -> None:
    assert performance.sqn(PNL * 50).value == pytest.approx(10.0 * np.mean(PNL) / np.std(PNL * 50, ddof=1), rel=1e-12)


def test_r_multiples_need_a_stop_on_every_trade() -> None:
    multiples = performance.r_multiples(trades([20.0, -10.0], [2.0, -1.0]))

    assert multiples is not None
    assert multiples.tolist() == [2.0, -1.0]
    assert performance.r_multiples(trades([20.0, -10.0], [2.0, float("nan")])) is None
    assert performance.r_multiples(trades([], [])) is None


def test_the_longest_run_is_counted() -> None:
    assert performance.longest_run([True, False, True, True, False]) == 2
    assert performance.longest_run([]) == 0


@STEADY
@given(st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 2)), min_size=1, max_size=40))
def test_expectancy_follows_from_win_rate_and_averages(pnl: list[float]) -> None:
    win, loss = performance.average_win(pnl).or_zero(), performance.average_loss(pnl).or_zero()
    losing = sum(value < 0 for value in pnl) / len(pnl)

    assert performance.expectancy(pnl).or_zero() == pytest.approx(
        performance.win_rate(pnl).or_zero() * win + losing * loss, abs=1e-6
    )
