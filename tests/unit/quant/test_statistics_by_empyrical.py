"""The figures of a whole backtest, from its equity and the instants of it, are empyrical's on 200 random runs."""

import warnings

import numpy as np
import pytest

from seatrial_trading.quant.returns import YEAR_SECONDS, Calendar
from seatrial_trading.quant.statistics import statistics
from seatrial_trading.quant.trades import TradeColumns

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import empyrical

DAY_MS = 86_400_000
RISK_FREE = 0.03
A_YEAR = {"24/7": 365, "exchange": 252}


@pytest.mark.parametrize("seed", range(200))
def test_figures_of_a_run_equal_empyrical(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(40, 900))
    moves = np.maximum(random.standard_t(4, size) * random.uniform(1e-4, 0.03) + random.normal(0, 2e-3), -0.9)
    equity = 10.0 ** random.uniform(-6, 9) * np.concatenate([[1.0], np.cumprod(1.0 + moves)])
    calendar: Calendar = "exchange" if seed % 2 else "24/7"
    returns, days = equity[1:] / equity[:-1] - 1.0, A_YEAR[calendar]
    free = (1.0 + RISK_FREE) ** (1.0 / days) - 1.0
    years = size * DAY_MS / 1000 / YEAR_SECONDS
    yearly = empyrical.annual_return(returns, annualization=size / years)  # its years are counts of returns

    metrics = statistics(equity, np.arange(size + 1) * DAY_MS, TradeColumns.of([]), calendar, RISK_FREE).metrics

    expected = {
        "total_return": empyrical.cum_returns_final(returns),
        "cagr": yearly,
        "volatility": empyrical.annual_volatility(returns, annualization=days),
        "sharpe": empyrical.sharpe_ratio(returns, free, annualization=days),
        "sortino": empyrical.sortino_ratio(returns, free, annualization=days),
        "max_drawdown": -empyrical.max_drawdown(returns),
        "calmar": yearly / -empyrical.max_drawdown(returns),
        "value_at_risk_95": empyrical.value_at_risk(returns),
        "conditional_value_at_risk_95": empyrical.conditional_value_at_risk(returns),
    }
    assert metrics["return_observations"] == size
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, rel=1e-10, abs=1e-12)
