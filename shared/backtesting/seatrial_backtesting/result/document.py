"""Builds the result document (schema 1) that REST, the command line and Python return."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from seatrial_backtesting.execution_settings import describe_assumptions
from seatrial_backtesting.result import manifest, metrics
from seatrial_backtesting.result.outcome import BacktestOutcome
from seatrial_core.json_types import Json
from seatrial_core.timestamps import format_epoch_ms
from seatrial_trading.matching import TradeRecord
from seatrial_trading.quant.statistics import Metric

SCHEMA = 1
MIN_TRADES = 30
WARNING_TEXTS = {
    "result_depends_on_intrabar_order": (
        "profit or loss depends on bars in which the order of high and low is unknown"
    ),
    "few_trades": f"fewer than {MIN_TRADES} trades, too few for the metrics to be reliable",
    "strategy_raised": "the strategy raised exceptions on some bars",
    "finer_bars_missing": "some bars have no bars of the shorter interval inside; the worst case was assumed for them",
}
BENCHMARK_METRICS = (
    "final_equity",
    "total_return",
    "cagr",
    "max_drawdown",
    "intrabar_max_drawdown",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "fees_paid",
)


def build_document(outcome: BacktestOutcome, inputs: Json, data_quality: Mapping[str, Any]) -> Json:
    """Return the result as JSON.

    Args:
        outcome: The finished run.
        inputs: Everything that the numbers of the run depend on, from `manifest.build_inputs`.
        data_quality: Data quality of the bars.
    """
    numbered = bool(data_quality.get("without_timestamps"))
    results = _results(outcome, numbered)
    simulation, sub_bars = outcome.simulation, outcome.sub_bars
    return {
        "schema": SCHEMA,
        "assumptions": describe_assumptions(outcome.config, sub_bars.interval_ms if sub_bars else None),
        "manifest": manifest.build_manifest(inputs, simulation, results),
        "symbol": outcome.candles.symbol,
        "strategy": outcome.strategy.identity,
        **results,
        "strategy_errors": [dataclasses.asdict(failure) for failure in outcome.failures],
        "trades": [_trade(record, numbered) for record in simulation.trades],
        "equity": {
            "time": outcome.candles.marks_ms.tolist(),
            "value": simulation.equity.tolist(),
        },
        "data_quality": dict(data_quality),
    }


def _trade(record: TradeRecord, numbered: bool) -> Json:
    row = dataclasses.asdict(record)
    entry_ms, exit_ms = row.pop("entry_time_ms"), row.pop("exit_time_ms")
    row["entry_time"] = record.entry_index if numbered else format_epoch_ms(entry_ms)
    row["exit_time"] = record.exit_index if numbered else format_epoch_ms(exit_ms)
    return row


def _results(outcome: BacktestOutcome, numbered: bool) -> Json:
    times = outcome.candles.time_ms
    rejected, counts = outcome.rejections()
    return {
        "metrics": dict(outcome.statistics.metrics),
        "undefined": dict(outcome.statistics.undefined),
        "bounds": _bounds(outcome),
        "without_forced_exits": _without_forced_exits(outcome),
        "benchmark": _benchmark(outcome),
        "warnings": _warnings(outcome),
        "rejected_signals": [
            {
                "index": signal.bar,
                "time": signal.bar if numbered else format_epoch_ms(int(times[signal.bar])),
                "reason": signal.reason,
                "field": signal.field,
            }
            for signal in rejected
        ],
        "rejected_counts": dict(sorted(counts.items())),
        "strategy_errors_total": outcome.failure_count,
    }


def _warnings(outcome: BacktestOutcome) -> list[str]:
    applies = {
        "result_depends_on_intrabar_order": outcome.bounds.sign_depends,
        "few_trades": len(outcome.simulation.table) < MIN_TRADES,
        "finer_bars_missing": outcome.simulation.unmagnified_bars > 0,
        "strategy_raised": outcome.failure_count > 0,
    }
    return [name for name, is_given in applies.items() if is_given]


def _bounds(outcome: BacktestOutcome) -> Json:
    bounds, simulation = outcome.bounds, outcome.simulation
    unknown = dict.fromkeys(("low", "high", "q05", "q50", "q95"))
    return {
        "ambiguous_bars": simulation.ambiguous_bars,
        "ambiguous_trades": simulation.ambiguous_trades,
        "ambiguous_pnl_share": metrics.ambiguous_pnl_share(simulation),
        "magnified_bars": simulation.magnified_bars,
        "unmagnified_bars": simulation.unmagnified_bars,
        "resolutions": bounds.resolutions,
        "exact": bounds.is_exact,
        **{name: unknown if band is None else dataclasses.asdict(band) for name, band in bounds.figures.items()},
    }


def _without_forced_exits(outcome: BacktestOutcome) -> Json | None:
    if outcome.without_forced_exit is None:
        return None
    statistics = metrics.compute_statistics(outcome.without_forced_exit)
    return {"open_positions": 1, "metrics": dict(statistics.metrics), "undefined": dict(statistics.undefined)}


def _benchmark(outcome: BacktestOutcome) -> Json:
    benchmark = metrics.compute_statistics(outcome.benchmark)
    own_return, its_return = outcome.statistics.metrics["total_return"], benchmark.metrics["total_return"]
    return {
        "name": "buy_and_hold",
        "metrics": {name: benchmark.metrics[name] for name in BENCHMARK_METRICS},
        "undefined": {name: reason for name, reason in benchmark.undefined.items() if name in BENCHMARK_METRICS},
        "excess_return": _difference(own_return, its_return),
    }


def _difference(value: Metric, other: Metric) -> float | None:
    return value - other if isinstance(value, float) and isinstance(other, float) else None
