"""How much of a result hangs on bars whose order of high and low nobody knows."""

from dataclasses import replace
from typing import Any

import numpy as np

from seatrial_shared.matching import ExecutionConfig, Simulation, simulate
from seatrial_shared.matching.figures import trade_columns
from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.drawdown import max_drawdown
from seatrial_shared.quant.performance import win_rate
from seatrial_shared.strategy.signals import Signals

MOST_SAMPLES = 200
FEWEST_SAMPLES = 8
BAR_BUDGET = 20_000_000  # bars simulated for the bounds at most, beside the fewest samples
FIGURES = ("final_equity", "max_drawdown", "win_rate")

Json = dict[str, Any]  # Any: JSON


def bounds(candles: Candles, signals: Signals, config: ExecutionConfig, own: Simulation) -> Json:
    """Return the lowest and highest final equity, drawdown and win rate over ways to settle the ambiguous bars.

    Tried are worst, best, nearest and seeded random resolutions. Without an ambiguous bar there is one result only.
    """
    facts: Json = {"ambiguous_bars": own.ambiguous_bars, "ambiguous_trades": own.ambiguous_trades}
    found = [_figures(own)]
    if own.ambiguous_bars:
        samples = int(min(MOST_SAMPLES, max(FEWEST_SAMPLES, BAR_BUDGET // len(candles))))
        found += [_figures(simulate(candles, signals, way)) for way in _ways(config, samples)]
    facts["resolutions"] = len(found)
    for position, name in enumerate(FIGURES):
        values = [value for each in found if (value := each[position]) is not None]
        facts[name] = {"low": min(values), "high": max(values)} if values else {"low": None, "high": None}
    return facts


def depends_on_order(facts: Json, cash: float) -> bool:
    """Tell whether the sign of the total return differs inside the bounds."""
    final = facts["final_equity"]
    return bool(final["low"] < cash < final["high"])


def _ways(config: ExecutionConfig, samples: int) -> list[ExecutionConfig]:
    named = [replace(config, intrabar=way) for way in ("worst", "best", "nearest") if way != config.intrabar]
    return named + [replace(config, intrabar="random", seed=config.seed + number) for number in range(samples)]


def _figures(simulation: Simulation) -> tuple[float, float | None, float | None]:
    pnl = trade_columns(simulation).pnl
    return (
        float(simulation.equity[-1]),
        max_drawdown(np.ascontiguousarray(simulation.equity)).value,
        win_rate(np.ascontiguousarray(pnl)).value,
    )
