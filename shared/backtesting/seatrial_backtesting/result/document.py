"""The result document (schema 1): what REST, the command line and Python hand out."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from seatrial_backtesting.callback.runner import Failure
from seatrial_backtesting.data.quality import rfc3339
from seatrial_backtesting.execution_settings import assumptions
from seatrial_backtesting.result import manifest, metrics
from seatrial_backtesting.strategy_ref import StrategyRef
from seatrial_trading.matching import ExecutionConfig, Simulation, TradeRecord
from seatrial_trading.matching.bounds.bounds import ResultBounds
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.statistics import Statistics

SCHEMA = 1
MAX_REJECTIONS = 1_000
FEW_TRADES = 30
WARNING_TEXTS = {
    "result_depends_on_intrabar_order": "whether this made or lost money hangs on bars whose inner order is unknown",
    "few_trades": "fewer than 30 trades: chance alone can make such figures",
    "strategy_raised": "the strategy raised on some bars",
    "finer_bars_missing": "some bars have no finer bars inside; they went by the worst case",
}
BENCHMARK_FIGURES = (
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

Json = dict[str, Any]  # Any: JSON


class DocumentSource(Protocol):
    """What a document is made of."""

    @property
    def candles(self) -> Candles: ...

    @property
    def choice(self) -> StrategyRef: ...

    @property
    def config(self) -> ExecutionConfig: ...

    @property
    def simulation(self) -> Simulation: ...

    @property
    def failures(self) -> tuple[Failure, ...]: ...

    @property
    def failed(self) -> int: ...

    @property
    def statistics(self) -> Statistics: ...

    @property
    def bounds(self) -> ResultBounds: ...

    @property
    def finer(self) -> Candles | None: ...

    @property
    def unforced(self) -> Simulation | None: ...

    @property
    def benchmark(self) -> Simulation: ...

    def rejections(self) -> tuple[list[tuple[int, str, str | None]], Counter[str]]: ...


def document(outcome: DocumentSource, made_of: Json, data_quality: Mapping[str, Any]) -> Json:
    """Return the whole result as JSON."""
    numbered = bool(data_quality.get("without_timestamps"))
    told = _told(outcome, numbered)
    simulation = outcome.simulation
    return {
        "schema": SCHEMA,
        "assumptions": assumptions(outcome.config, outcome.finer.interval_ms if outcome.finer else None),
        "manifest": manifest.manifest(made_of, simulation, told),
        "symbol": outcome.candles.symbol,
        "strategy": outcome.choice.facts,
        **told,
        "strategy_errors": [dataclasses.asdict(each) for each in outcome.failures],
        "trades": [trade(record, numbered) for record in simulation.trades],
        "equity": {
            "time": outcome.candles.marks_ms.tolist(),
            "value": simulation.equity.tolist(),
        },
        "data_quality": dict(data_quality),
    }


def trade(record: TradeRecord, numbered: bool = False) -> Json:
    """Return one trade as JSON; bars without timestamps are named by their number."""
    row = dataclasses.asdict(record)
    entered, left = row.pop("entry_time_ms"), row.pop("exit_time_ms")
    row["entry_time"] = record.entry_index if numbered else rfc3339(entered)
    row["exit_time"] = record.exit_index if numbered else rfc3339(left)
    return row


def _told(outcome: DocumentSource, numbered: bool) -> Json:
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
            {"index": bar, "time": bar if numbered else rfc3339(int(times[bar])), "reason": reason, "field": key}
            for bar, reason, key in rejected
        ],
        "rejected_counts": dict(sorted(counts.items())),
        "strategy_errors_total": outcome.failed,
    }


def _warnings(outcome: DocumentSource) -> list[str]:
    found = []
    if outcome.bounds.sign_depends:
        found.append("result_depends_on_intrabar_order")
    if len(outcome.simulation.table) < FEW_TRADES:
        found.append("few_trades")
    if outcome.simulation.unmagnified_bars:
        found.append("finer_bars_missing")
    if outcome.failed:
        found.append("strategy_raised")
    return found


def _bounds(outcome: DocumentSource) -> Json:
    found, simulation = outcome.bounds, outcome.simulation
    nothing = dict.fromkeys(("low", "high", "q05", "q50", "q95"))
    return {
        "ambiguous_bars": simulation.ambiguous_bars,
        "ambiguous_trades": simulation.ambiguous_trades,
        "ambiguous_pnl_share": metrics.ambiguous_pnl_share(simulation),
        "magnified_bars": simulation.magnified_bars,
        "unmagnified_bars": simulation.unmagnified_bars,
        "resolutions": found.resolutions,
        "exact": found.is_exact,
        **{name: nothing if each is None else dataclasses.asdict(each) for name, each in found.figures.items()},
    }


def _without_forced_exits(outcome: DocumentSource) -> Json | None:
    """Return the figures had the last position stayed open, None where the end of the data closed none."""
    if outcome.unforced is None:
        return None
    found = metrics.figures(outcome.unforced)
    return {"open_positions": 1, "metrics": dict(found.metrics), "undefined": dict(found.undefined)}


def _benchmark(outcome: DocumentSource) -> Json:
    found = metrics.figures(outcome.benchmark)
    own, its = outcome.statistics.metrics["total_return"], found.metrics["total_return"]
    return {
        "name": "buy_and_hold",
        "metrics": {name: found.metrics[name] for name in BENCHMARK_FIGURES},
        "undefined": {name: reason for name, reason in found.undefined.items() if name in BENCHMARK_FIGURES},
        "excess_return": own - its if isinstance(own, float) and isinstance(its, float) else None,
    }
