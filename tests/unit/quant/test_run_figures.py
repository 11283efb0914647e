"""The figures of a simulated run agree with its records and its money."""

import dataclasses

import numpy as np
import pytest

from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.simulation import Simulation, simulate
from seatrial_trading.matching.trade_columns import trade_columns
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.statistics import statistics
from seatrial_trading.quant.trades import TradeColumns
from seatrial_trading.strategy import registry

HOUR = 3_600_000


@pytest.fixture(scope="module")
def run() -> Simulation:
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.01, 3_000)))
    opens = np.concatenate([close[:1], close[:-1]])
    columns = {"open": opens, "close": close, "high": np.maximum(opens, close), "low": np.minimum(opens, close)}
    times = (1_704_067_200_000 + np.arange(3_000) * HOUR).tolist()
    candles = Candles.from_columns("X", {"time": times, **{k: v.tolist() for k, v in columns.items()}}, HOUR)
    spec = registry.get("rsi_bollinger")
    return simulate(candles, spec.signals(candles, spec.parse({})), ExecutionConfig())


def test_columns_hold_the_numbers_of_the_records(run: Simulation) -> None:
    quick, slow = trade_columns(run), TradeColumns.of(run.trades)

    assert len(quick) > 10
    for field in dataclasses.fields(TradeColumns):
        np.testing.assert_array_equal(getattr(quick, field.name), getattr(slow, field.name), err_msg=field.name)


def test_total_profit_is_the_sum_of_the_trades(run: Simulation) -> None:
    metrics = statistics(run.equity, run.candles.marks_ms, trade_columns(run)).metrics

    made = float(str(metrics["final_equity"])) - float(str(metrics["initial_equity"]))
    assert metrics["total_pnl"] == pytest.approx(made, rel=1e-9)
    assert metrics["total_trades"] == len(run.trades)
    assert metrics["return_sampling"] == "day"
    assert metrics["return_observations"] == 125


def test_equity_begins_at_the_open_and_is_marked_at_each_close(run: Simulation) -> None:
    times = run.candles.marks_ms

    assert len(times) == len(run.equity)
    assert times[:3].tolist() == [1_704_067_200_000, 1_704_067_200_000 + HOUR, 1_704_067_200_000 + 2 * HOUR]
