"""Sampling of returns and the rates made of them; empyrical is the outside reference."""

import warnings

import numpy as np
import pytest

from seatrial_core.figures.figure import known
from seatrial_trading.quant import returns
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.drawdown import max_drawdown

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import empyrical

MINUTE, DAY = 60_000, 86_400_000
MONDAY = 1_704_067_200_000  # 2024-01-01 00:00 UTC


def series(seed: int) -> Floats:
    random = np.random.default_rng(seed)
    size = int(random.integers(30, 600))
    drift: Floats = random.standard_t(4, size) * random.uniform(1e-4, 0.02) + random.normal(0, 1e-3)
    return np.maximum(drift, -0.9)


@pytest.mark.parametrize("seed", range(200))
def test_rates_equal_empyrical(seed: int) -> None:
    values = series(seed)
    curve = np.concatenate([[1.0], np.cumprod(1.0 + values)])
    yearly = returns.cagr(1.0, float(curve[-1]), len(values) / 252)
    deepest = max_drawdown(curve)

    assert returns.sharpe(values, 252).value == pytest.approx(empyrical.sharpe_ratio(values), rel=1e-10)
    assert returns.sortino(values, 252).value == pytest.approx(empyrical.sortino_ratio(values), rel=1e-10)
    assert returns.volatility(values, 252).value == pytest.approx(empyrical.annual_volatility(values), rel=1e-10)
    assert deepest.value == pytest.approx(-empyrical.max_drawdown(values), rel=1e-10)
    assert returns.calmar(yearly, deepest).value == pytest.approx(empyrical.calmar_ratio(values), rel=1e-10)
    assert returns.value_at_risk(values).value == pytest.approx(empyrical.value_at_risk(values), rel=1e-10)


def test_sortino_has_the_known_value_over_all_observations() -> None:
    values = np.array([0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04])

    assert returns.sortino(values, 1.0).value == pytest.approx(4.417, abs=5e-4)


def test_the_risk_free_rate_is_spread_over_the_periods() -> None:
    values = series(1)
    daily = 1.05 ** (1 / 252) - 1

    assert returns.sharpe(values, 252, 0.05).value == pytest.approx(empyrical.sharpe_ratio(values, daily), rel=1e-10)
    assert returns.sortino(values, 252, 0.05).value == pytest.approx(empyrical.sortino_ratio(values, daily), rel=1e-10)


def test_flat_returns_have_no_ratio_and_never_an_infinite_one() -> None:
    for values in (np.zeros(40), np.full(40, 0.01), returns.simple_returns(100.0 * np.power(1.001, np.arange(300.0)))):
        assert returns.sharpe(values, 252).reason == "the returns do not vary"
        assert returns.sortino(values, 252).reason == "no return below the target"


def test_growth_needs_a_month_and_money_left() -> None:
    assert returns.cagr(100.0, 121.0, 2.0).value == pytest.approx(0.10)
    assert returns.cagr(100.0, 121.0, 0.08).reason == "less than a month of data"
    assert returns.cagr(100.0, 0.0, 2.0).value is None
    assert returns.calmar(known(0.1), known(0.0)).reason == "no drawdown"


def test_tail_figures_need_twenty_returns() -> None:
    values = np.arange(-10.0, 11.0) / 100.0

    assert returns.value_at_risk(values[:19]).reason == "19 returns, needs at least 20"
    assert returns.value_at_risk(values).value == pytest.approx(-0.09)
    assert returns.conditional_value_at_risk(values).value == pytest.approx(-0.095)


def test_daily_returns_take_the_last_equity_of_each_utc_day_and_begin_with_the_first() -> None:
    bars = 40 * 24
    times = np.concatenate([[MONDAY], MONDAY + (np.arange(bars) + 1) * 60 * MINUTE])
    equity = 100.0 + np.concatenate([[0.0], np.repeat(np.arange(1.0, 41.0), 24)])

    drawn = returns.sample(equity, times)

    assert (drawn.sampling, drawn.periods_a_year, len(drawn.returns)) == ("day", 365.0, 40)
    np.testing.assert_allclose(drawn.returns, 1.0 / (99.0 + np.arange(1.0, 41.0)), rtol=1e-12)


def test_days_without_bars_are_flat_on_a_market_that_never_closes_only() -> None:
    days = np.array([day for day in range(60) if day % 7 < 5])
    times = np.concatenate([[MONDAY], MONDAY + (days + 1) * DAY])
    equity = 100.0 * np.power(1.01, np.arange(float(len(times))))

    always, exchange = returns.sample(equity, times, "24/7"), returns.sample(equity, times, "exchange")

    assert len(always.returns) == int(days[-1]) + 1
    assert np.count_nonzero(always.returns) == len(days)
    assert (exchange.periods_a_year, len(exchange.returns)) == (252.0, len(days))
    assert np.prod(1 + always.returns) == pytest.approx(np.prod(1 + exchange.returns))


def test_under_thirty_days_the_bars_are_the_sample() -> None:
    minutes = 2 * 390
    open_times = np.concatenate([MONDAY + day * DAY + 870 * MINUTE + np.arange(390) * MINUTE for day in range(2)])
    times = np.concatenate([[open_times[0]], open_times + MINUTE])
    equity = 100.0 + np.arange(minutes + 1.0)

    always, exchange = returns.sample(equity, times), returns.sample(equity, times, "exchange")

    assert (always.sampling, len(always.returns)) == ("bar", minutes)
    assert always.periods_a_year == pytest.approx(31_557_600 / 60)
    assert exchange.periods_a_year == pytest.approx(252 * 390)


def test_daily_bars_of_an_exchange_have_252_to_the_year_even_when_few() -> None:
    times = MONDAY + np.arange(11) * DAY

    drawn = returns.sample(100.0 + np.arange(11.0), times, "exchange")

    assert drawn.sampling == "bar"
    assert drawn.periods_a_year == pytest.approx(252.0)


def test_a_span_of_millions_of_years_costs_no_memory() -> None:
    times = np.concatenate([np.arange(40) * DAY, [9 * 10**15]])

    assert len(returns.sample(100.0 + np.arange(41.0), times).returns) == 40


@pytest.mark.parametrize("tail", [0.01, 0.05, 0.5, 0.99])
def test_value_at_risk_is_numpys_quantile_to_the_bit(tail: float) -> None:
    draw = np.random.default_rng(5)
    for size in (100, 101, 137, 694, 1_440):
        values = draw.standard_t(3, size) * 0.01
        assert returns.value_at_risk(values, tail).value == float(np.quantile(values, tail))
