"""How much of a result hangs on the bars whose order of high and low nobody knows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from seatrial_shared.matching.config import ExecutionConfig, IntrabarName
from seatrial_shared.matching.figures import trade_columns
from seatrial_shared.matching.finer import inside
from seatrial_shared.matching.simulation import Simulation, simulate_inside
from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.drawdown import max_drawdown
from seatrial_shared.quant.performance import win_rate
from seatrial_shared.strategy.signals import Signals

SAMPLES = 200
FEWEST_SAMPLES = 8
# Bars simulated at most, beside the named ways and the fewest samples: a long series is tried less often.
BAR_BUDGET = 20_000_000
# With so many ambiguous bars at most, every way to settle them is tried; later bars can add some on a few ways.
FEW_BARS = 8
MOST_WAYS = 4 * 2**FEW_BARS
MOST_BITS = 50

Figures = dict[str, float | None]
Run = Callable[[ExecutionConfig], Simulation]


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
        ambiguous_bars, ambiguous_trades: Of the run itself.
    """

    figures: Mapping[str, Range | None]
    resolutions: int
    is_exact: bool
    sign_depends: bool
    ambiguous_bars: int = 0
    ambiguous_trades: int = 0


def bounds(
    candles: Candles,
    signals: Signals,
    config: ExecutionConfig,
    seed: int = 0,
    samples: int = SAMPLES,
    finer: Candles | None = None,
    own: Simulation | None = None,
) -> Bounds:
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
    measured = [_figures(own)]
    is_exact = True
    if own.ambiguous_bars:
        named: tuple[IntrabarName, ...] = ("worst", "best", "nearest")
        own_way = "worst" if config.intrabar == "magnify" else config.intrabar
        measured += [_figures(run(replace(config, intrabar=way))) for way in named if way != own_way]
        affordable = max(FEWEST_SAMPLES, BAR_BUDGET // len(candles))
        every = _every_way(run, config, min(MOST_WAYS, affordable)) if own.ambiguous_bars <= FEW_BARS else None
        is_exact = every is not None
        measured += every if every is not None else list(_random_ways(run, config, seed, min(samples, affordable)))
    figures = {name: _range([each[name] for each in measured]) for name in measured[0]}
    final = figures["final_equity"]
    sign_depends = final is not None and final.low < config.cash < final.high
    return Bounds(figures, len(measured), is_exact, sign_depends, own.ambiguous_bars, own.ambiguous_trades)


def _random_ways(run: Run, config: ExecutionConfig, seed: int, samples: int) -> Iterator[Figures]:
    for number in range(samples):
        yield _figures(run(replace(config, intrabar="random", seed=seed + number)))


def _every_way(run: Run, config: ExecutionConfig, most: int) -> list[Figures] | None:
    """Walk the tree of choices: how the earlier bars are settled decides which later ones are ambiguous."""
    found: list[Figures] = []
    choices: list[int] = []
    while len(found) < most:
        bits = sum(choice << place for place, choice in enumerate(choices))
        simulation = run(replace(config, intrabar="chosen", seed=bits))
        found.append(_figures(simulation))
        deep = simulation.ambiguous_bars
        if deep > MOST_BITS or 2**deep > 4 * most:
            return None
        choices += [0] * (deep - len(choices))
        while choices and choices[-1]:
            choices.pop()
        if not choices:
            return found
        choices[-1] = 1
    return None


def _figures(run: Simulation) -> Figures:
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
