"""How much of a result hangs on the bars whose order of high and low nobody knows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from seatrial_shared.matching.config import ExecutionConfig
from seatrial_shared.matching.figures import trade_columns
from seatrial_shared.matching.simulation import Simulation, simulate
from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.drawdown import max_drawdown
from seatrial_shared.quant.performance import win_rate
from seatrial_shared.strategy.signals import Signals

SAMPLES = 200
# With so many ambiguous bars at most, every way to settle them is tried; later bars can add some on a few ways.
FEW_BARS = 8
MOST_WAYS = 4 * 2**FEW_BARS
MOST_BITS = 50


@dataclass(frozen=True)
class Range:
    """Lowest, highest and quantiles of one figure over the ways to settle the ambiguous bars."""

    low: float
    high: float
    q05: float
    q50: float
    q95: float


@dataclass(frozen=True)
class Bounds:
    """What a result could have been.

    Args:
        figures: `final_equity`, `max_drawdown`, `win_rate`; None where a figure is undefined on every way.
        resolutions: How many ways were tried.
        is_exact: Whether these were all that there are.
        sign_depends: Whether the total return is a gain on one way and a loss on another.
    """

    figures: Mapping[str, Range | None]
    resolutions: int
    is_exact: bool
    sign_depends: bool


def bounds(
    candles: Candles, signals: Signals, config: ExecutionConfig, seed: int = 0, samples: int = SAMPLES
) -> Bounds:
    """Return the range of final equity, drawdown and win rate over worst, best, nearest and other resolutions.

    Args:
        candles, signals, config: The run.
        seed: Of the random resolutions.
        samples: How many random resolutions are tried where there are too many to try all.
    """
    runs = [simulate(candles, signals, replace(config, intrabar="worst"))]
    is_exact = True
    if runs[0].ambiguous_bars:
        others = [replace(config, intrabar="best"), replace(config, intrabar="nearest")]
        runs += [simulate(candles, signals, way) for way in others]
        every = _every_way(candles, signals, config) if runs[0].ambiguous_bars <= FEW_BARS else None
        is_exact = every is not None
        runs += every if every is not None else list(_random_ways(candles, signals, config, seed, samples))
    measured = [_figures(run) for run in runs]
    figures = {name: _range([each[name] for each in measured]) for name in measured[0]}
    final = figures["final_equity"]
    sign_depends = final is not None and final.low < config.cash < final.high
    return Bounds(figures, len(runs), is_exact, sign_depends)


def _random_ways(
    candles: Candles, signals: Signals, config: ExecutionConfig, seed: int, samples: int
) -> Iterator[Simulation]:
    for number in range(samples):
        yield simulate(candles, signals, replace(config, intrabar="random", seed=seed + number))


def _every_way(candles: Candles, signals: Signals, config: ExecutionConfig) -> list[Simulation] | None:
    """Walk the tree of choices: how the earlier bars are settled decides which later ones are ambiguous."""
    runs: list[Simulation] = []
    choices: list[int] = []
    while len(runs) < MOST_WAYS:
        bits = sum(choice << place for place, choice in enumerate(choices))
        run = simulate(candles, signals, replace(config, intrabar="chosen", seed=bits))
        runs.append(run)
        if run.ambiguous_bars > MOST_BITS:
            return None
        choices += [0] * (run.ambiguous_bars - len(choices))
        while choices and choices[-1]:
            choices.pop()
        if not choices:
            return runs
        choices[-1] = 1
    return None


def _figures(run: Simulation) -> dict[str, float | None]:
    pnl = np.ascontiguousarray(trade_columns(run).pnl)
    return {
        "final_equity": float(run.equity[-1]),
        "max_drawdown": max_drawdown(run.equity).value,
        "win_rate": win_rate(pnl).value,
    }


def _range(values: list[float | None]) -> Range | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    q05, q50, q95 = (float(q) for q in np.quantile(known, (0.05, 0.5, 0.95)))
    return Range(min(known), max(known), q05, q50, q95)
