"""The figures of a whole backtest: present, JSON safe, and null with a reason where they cannot be known."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_core.errors import ValidationFailed
from seatrial_trading.quant.statistics import Statistics, statistics
from seatrial_trading.quant.trades import TradeColumns

STEADY = settings(deadline=None, derandomize=True, database=None)  # the first example compiles

DAY = 86_400_000
GUIDE_KEYS = {
    *("win_rate", "total_return", "max_drawdown", "total_trades", "winning_trades", "losing_trades"),
    *("total_pnl", "average_win", "average_loss", "profit_factor", "final_equity"),
}


@dataclass(frozen=True)
class Row:
    """One closed trade of one unit."""

    pnl: float
    entry_price: float = 100.0
    exit_price: float = 110.0
    quantity: float = 1.0
    fees: float = 1.0
    slippage: float = 0.5
    bars_held: int = 1
    r_multiple: float | None = None

    @property
    def pnl_gross(self) -> float:
        return self.pnl + self.fees


def judged(curve: list[float], rows: list[Row]) -> Statistics:
    return statistics(np.array(curve), np.arange(len(curve)) * DAY, TradeColumns.of(rows))


def test_a_small_backtest_has_the_worked_figures() -> None:
    summary = judged([100.0, 110.0, 99.0, 105.0, 88.0, 120.0], [Row(30.0, r_multiple=3.0), Row(-10.0, r_multiple=-1.0)])

    metrics = summary.metrics
    assert metrics["total_return"] == pytest.approx(0.2)
    assert metrics["max_drawdown"] == pytest.approx(0.2)
    assert metrics["max_drawdown_seconds"] == 3 * 86_400
    assert metrics["recovery_seconds"] == 86_400
    assert metrics["total_trades"] == 2
    assert metrics["win_rate"] == 0.5
    assert metrics["fees_paid"] == 2.0
    assert metrics["slippage_paid"] == 1.0
    assert metrics["fees_of_gross_profit"] == pytest.approx(2 / 31)
    assert metrics["turnover"] == 420.0
    assert metrics["expectancy_r"] == pytest.approx(1.0)
    assert metrics["average_bars_held"] == 1.0
    assert metrics["exposure"] == pytest.approx(2 / 5)
    assert summary.undefined["cagr"] == "less than a month of data"


def test_an_open_loser_shows_in_the_drawdown_although_no_trade_closed() -> None:
    summary = judged([100.0, 100.0, 70.0], [])

    assert summary.metrics["max_drawdown"] == pytest.approx(0.3)
    assert summary.metrics["win_rate"] is None
    assert summary.undefined["win_rate"] == "no closed trades"


def test_every_key_of_the_guide_is_there() -> None:
    assert set(judged([100.0, 101.0], []).metrics) >= GUIDE_KEYS


def test_every_result_has_the_same_names() -> None:
    good = judged([100.0 + (day * 7) % 11 for day in range(400)], [Row(3.0), Row(-1.0)])
    ruined = judged([100.0, -5.0], [Row(-105.0)])
    single = judged([100.0], [])

    assert set(good.metrics) == set(ruined.metrics) == set(single.metrics)
    assert ruined.undefined["sharpe"] == "the equity is not above zero throughout"
    assert not [name for name, value in good.metrics.items() if value is None and name not in good.undefined]


def test_sharpe_is_measured_against_the_risk_free_rate() -> None:
    curve = np.array([100.0 + (day * 7) % 11 for day in range(400)])
    times, none = np.arange(400) * DAY, TradeColumns.of([])

    free, costly = statistics(curve, times, none), statistics(curve, times, none, risk_free=0.5)

    assert float(str(costly.metrics["sharpe"])) < float(str(free.metrics["sharpe"]))


def test_an_equity_without_its_times_is_rejected() -> None:
    with pytest.raises(ValidationFailed, match="times_ms"):
        statistics(np.array([1.0, 2.0]), np.arange(3), TradeColumns.of([]))


wild = st.floats(allow_nan=False, allow_infinity=False, width=64)


@STEADY
@given(
    curve=st.lists(st.one_of(st.floats(1e-9, 1e9), wild, st.just(100.0)), min_size=1, max_size=70),
    pnl=st.lists(st.one_of(st.floats(-1e6, 1e6), wild), max_size=8),
)
def test_no_curve_puts_a_nan_or_infinity_into_the_json(curve: list[float], pnl: list[float]) -> None:
    summary = judged(curve, [Row(value) for value in pnl])

    text = json.dumps({"metrics": dict(summary.metrics), "undefined": dict(summary.undefined)}, allow_nan=False)
    assert "total_return" in text
    for name, value in summary.metrics.items():
        assert value is not None or name in summary.undefined or name == "return_sampling"
