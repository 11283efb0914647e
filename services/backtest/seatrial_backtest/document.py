"""The result document (schema 1): what REST, the command line and Python hand out."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from seatrial_backtest import manifest
from seatrial_backtest.bounds import depends_on_order
from seatrial_backtest.callback import Failure
from seatrial_backtest.choice import Choice
from seatrial_backtest.quality import instant
from seatrial_backtest.settling import assumptions
from seatrial_shared.matching import ExecutionConfig, Simulation, TradeRecord
from seatrial_shared.matching.figures import equity_times_ms
from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.statistics import Statistics

SCHEMA = 1
MOST_REJECTIONS = 1_000
FEW_TRADES = 30

Json = dict[str, Any]  # Any: JSON


class Outcome(Protocol):
    """What a document is made of."""

    @property
    def candles(self) -> Candles: ...

    @property
    def choice(self) -> Choice: ...

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
    def bounds(self) -> Json: ...

    def rejections(self) -> tuple[list[tuple[int, str, str | None]], Counter[str]]: ...


def document(outcome: Outcome, made_of: Json, data_quality: Mapping[str, Any]) -> Json:
    """Return the whole result as JSON."""
    numbered = bool(data_quality.get("without_timestamps"))
    told = _told(outcome, numbered)
    simulation = outcome.simulation
    return {
        "schema": SCHEMA,
        "assumptions": assumptions(outcome.config),
        "manifest": manifest.manifest(made_of, simulation, told),
        "symbol": outcome.candles.symbol,
        "strategy": outcome.choice.facts,
        **told,
        "strategy_errors": [dataclasses.asdict(each) for each in outcome.failures],
        "trades": [trade(record, numbered) for record in simulation.trades],
        "equity": {
            "time": equity_times_ms(outcome.candles).tolist(),
            "value": simulation.equity.tolist(),
        },
        "data_quality": dict(data_quality),
    }


def trade(record: TradeRecord, numbered: bool = False) -> Json:
    """Return one trade as JSON; bars without timestamps are named by their number."""
    row = dataclasses.asdict(record)
    entered, left = row.pop("entry_time_ms"), row.pop("exit_time_ms")
    row["entry_time"] = record.entry_index if numbered else instant(entered)
    row["exit_time"] = record.exit_index if numbered else instant(left)
    return row


def _told(outcome: Outcome, numbered: bool) -> Json:
    times = outcome.candles.time_ms
    rejected, counts = outcome.rejections()
    return {
        "metrics": dict(outcome.statistics.metrics),
        "undefined": dict(outcome.statistics.undefined),
        "bounds": outcome.bounds,
        "warnings": _warnings(outcome),
        "rejected_signals": [
            {"index": bar, "time": bar if numbered else instant(int(times[bar])), "reason": reason, "field": key}
            for bar, reason, key in rejected
        ],
        "rejected_counts": dict(sorted(counts.items())),
        "strategy_errors_total": outcome.failed,
    }


def _warnings(outcome: Outcome) -> list[str]:
    found = []
    if depends_on_order(outcome.bounds, outcome.config.cash):
        found.append("result_depends_on_intrabar_order")
    if len(outcome.simulation.table) < FEW_TRADES:
        found.append("few_trades")
    if outcome.failed:
        found.append("strategy_raised")
    return found
