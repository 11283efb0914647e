"""How much of a result hangs on the bars whose order of high and low nobody knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.bounds.incremental import IncrementalScenarios, can_resettle
from seatrial_trading.matching.config import ExecutionConfig, IntrabarName
from seatrial_trading.matching.simulation import Simulation, simulate_inside
from seatrial_trading.matching.sub_bars import inside
from seatrial_trading.matching.trade_columns import trade_columns
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.drawdown import max_drawdown
from seatrial_trading.quant.performance import win_rate
from seatrial_trading.quant.returns import quantile
from seatrial_trading.strategy.signals import Signals

SAMPLES = 200
MIN_SAMPLES = 8
# Bars simulated at most, beside the named ways and the fewest samples: what takes more is tried less often.
BAR_BUDGET = 20_000_000
# With so many ambiguous bars at most, every way to settle them is tried; later bars can add some on a few ways.
FEW_BARS = 8
MAX_SCENARIOS = 4 * 2**FEW_BARS
MAX_BITS = 50
ROUNDING = 1e-12  # of money that is scaled

FIGURES = ("final_equity", "max_drawdown", "win_rate")
AMBIGUOUS_BARS = len(FIGURES)

Run = Callable[[ExecutionConfig], Simulation]
Way = tuple[IntrabarName, int]  # a rule and its seed
# What ways come to, float64[m, 4]: the figures, NaN where one is undefined, and over how many ambiguous bars.
Settled = NDArray[np.float64]
Settle = Callable[[Sequence[Way], int], Settled]  # as many as the budget allows, the least number anyway


@dataclass(frozen=True)
class FigureRange:
    """Lowest, highest and quantiles of one figure over the ways to settle the ambiguous bars."""

    low: float
    high: float
    q05: float
    q50: float
    q95: float


@dataclass(frozen=True)
class ResultBounds:
    """What a result could have been.

    Args:
        figures: `final_equity`, `max_drawdown`, `win_rate`; None where a figure is undefined on every way.
        resolutions: How many ways were tried.
        is_exact: Whether these were all that there are.
        sign_depends: Whether the total return is a gain on one way and a loss on another.
        ambiguous_bars, ambiguous_trades: Of the run itself.
    """

    figures: Mapping[str, FigureRange | None]
    resolutions: int
    is_exact: bool
    sign_depends: bool
    ambiguous_bars: int = 0
    ambiguous_trades: int = 0


def compute_bounds(
    candles: Candles,
    signals: Signals,
    config: ExecutionConfig,
    seed: int = 0,
    samples: int = SAMPLES,
    finer: Candles | None = None,
    own: Simulation | None = None,
) -> ResultBounds:
    """Return the range of final equity, drawdown and win rate over worst, best, nearest and other resolutions.

    Args:
        candles, signals, config: The run.
        seed: Of the random resolutions.
        samples: How many random resolutions are tried at most where there are too many to try all; on long series
            fewer, so that no more than BAR_BUDGET bars are run for them.
        finer: As in `simulate`; where bars are magnified, only what stays ambiguous is settled in other ways.
        own: The result of the run where it is known already; without an ambiguous bar nothing is run then.
    """
    spans = inside(candles, finer, config)

    def run(way: ExecutionConfig) -> Simulation:
        return simulate_inside(candles, signals, way, spans)

    own = run(config) if own is None else own
    measured = [_ends(own)]
    is_exact = True
    if own.ambiguous_bars:
        named: tuple[IntrabarName, ...] = ("worst", "best", "nearest")
        own_way = "worst" if config.intrabar == "magnify" else config.intrabar
        resettled: IncrementalScenarios | None = None
        if can_resettle(signals, config, own):
            resettled = IncrementalScenarios(candles, signals, config, own, BAR_BUDGET // 2)
            settle: Settle = partial(_resettle, resettled, run, config)
            most_ways, affordable = MAX_SCENARIOS, samples
        else:
            settle = partial(_run_whole, run, config)
            affordable = max(MIN_SAMPLES, BAR_BUDGET // len(candles))
            most_ways = min(MAX_SCENARIOS, affordable)
        others: list[Way] = [(way, 0) for way in named if way != own_way]
        measured.append(settle(others, len(others)))
        every = _every_way(settle, most_ways) if own.ambiguous_bars <= FEW_BARS else None
        is_exact = every is not None
        if resettled is not None:  # trying every way in vain leaves half for the drawn ones
            resettled.budget += BAR_BUDGET // 2
        drawn: list[Way] = [("random", seed + number) for number in range(min(samples, affordable))]
        measured.append(settle(drawn, MIN_SAMPLES) if every is None else every)
    ways = np.vstack(measured)
    figures = {name: _range(ways[:, place]) for place, name in enumerate(FIGURES)}
    final = figures["final_equity"]
    even = config.cash
    sign_depends = final is not None and final.low < even * (1.0 - ROUNDING) and even * (1.0 + ROUNDING) < final.high
    return ResultBounds(figures, len(ways), is_exact, sign_depends, own.ambiguous_bars, own.ambiguous_trades)


def _run_whole(run: Run, config: ExecutionConfig, ways: Sequence[Way], _: int) -> Settled:
    rows = [_ends(run(replace(config, intrabar=name, seed=seed))) for name, seed in ways]
    return np.array(rows).reshape(len(ways), AMBIGUOUS_BARS + 1)


def _resettle(
    resettled: IncrementalScenarios, run: Run, config: ExecutionConfig, ways: Sequence[Way], least: int
) -> Settled:
    rows = resettled.settle(ways, least)
    final, drawdown, wins, trades, draws = rows.T
    rate = np.divide(wins, trades, out=np.full(len(rows), np.nan), where=trades > 0.0)
    found = np.column_stack((final, drawdown, rate, draws))
    for number in np.flatnonzero(np.isnan(final)).tolist():  # to scale only above zero
        if resettled.budget <= 0 and number >= least:
            return found[:number]
        name, seed = ways[number]
        whole = run(replace(config, intrabar=name, seed=seed))
        found[number] = _ends(whole)
        resettled.budget -= len(whole.candles)
    return found


def _every_way(settle: Settle, most: int) -> Settled | None:
    """Walk the tree of choices: how the earlier bars are settled decides which later ones are ambiguous."""
    found: list[Settled] = []
    choices: list[int] = []
    while len(found) < most:
        bits = sum(choice << place for place, choice in enumerate(choices))
        settled = settle([("chosen", bits)], 0)
        if not len(settled):
            return None
        found.append(settled)
        deep = int(settled[0, AMBIGUOUS_BARS])
        if deep > MAX_BITS or 2**deep > 4 * most:
            return None
        choices += [0] * (deep - len(choices))
        while choices and choices[-1]:
            choices.pop()
        if not choices:
            return np.vstack(found)
        choices[-1] = 1
    return None


def _ends(run: Simulation) -> Settled:
    pnl = np.ascontiguousarray(trade_columns(run).pnl)
    figures = float(run.equity[-1]), max_drawdown(run.equity).value, win_rate(pnl).value
    return np.array([*figures, run.ambiguous_bars], dtype=np.float64)  # None becomes NaN


def _range(values: NDArray[np.float64]) -> FigureRange | None:
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    q05, q50, q95 = (quantile(known, share) for share in (0.05, 0.5, 0.95))
    return FigureRange(float(known.min()), float(known.max()), q05, q50, q95)
