"""How much of a result depends on the bars whose order of high and low is unknown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.bounds.incremental import IncrementalScenarios, supports_incremental
from seatrial_trading.matching.bounds.partial_rerun import Scenario
from seatrial_trading.matching.config import ExecutionConfig, IntrabarName
from seatrial_trading.matching.simulation import Simulation, simulate_matched
from seatrial_trading.matching.sub_bars import match_sub_bars
from seatrial_trading.matching.trade_columns import trade_columns
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.drawdown import max_drawdown
from seatrial_trading.quant.performance import win_rate
from seatrial_trading.quant.returns import quantile
from seatrial_trading.strategy.signals import Signals

SAMPLES = 200
MIN_SAMPLES = 8
# Limit of the bars simulated for one result, besides the named rules and MIN_SAMPLES.
BAR_BUDGET = 20_000_000
# Up to this many ambiguous bars every scenario is run; a scenario can make later bars ambiguous and so add some.
FEW_BARS = 8
MAX_SCENARIOS = 4 * 2**FEW_BARS
MAX_BITS = 50
ROUNDING = 1e-12  # relative rounding error of scaled money

FIGURES = ("final_equity", "max_drawdown", "win_rate")
AMBIGUOUS_BARS = len(FIGURES)

# Figures of scenarios, float64[m, 4]: FIGURES, NaN where undefined, and the number of ambiguous bars.
ScenarioFigures = NDArray[np.float64]
Run = Callable[[ExecutionConfig], Simulation]
# Runs as many scenarios as the budget allows, at least the given number.
RunScenarios = Callable[[Sequence[Scenario], int], ScenarioFigures]


@dataclass(frozen=True)
class FigureRange:
    """Lowest, highest and quantiles of one figure over the intrabar scenarios."""

    low: float
    high: float
    q05: float
    q50: float
    q95: float


@dataclass(frozen=True)
class ResultBounds:
    """Range of a result over the intrabar scenarios.

    Args:
        figures: `final_equity`, `max_drawdown`, `win_rate`; None where a figure is undefined in every scenario.
        resolutions: Number of scenarios.
        is_exact: Whether these are all possible scenarios.
        sign_depends: Whether the total return is a gain in one scenario and a loss in another.
        ambiguous_bars, ambiguous_trades: Counts of the run itself.
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
    base: Simulation | None = None,
) -> ResultBounds:
    """Return the range of final equity, drawdown and win rate over worst, best, nearest and further scenarios.

    Args:
        candles: n bars.
        signals: n decisions.
        config: The execution rules of the run.
        seed: Seed of the random scenarios.
        samples: Number of random scenarios at most, used where there are too many to run all; fewer on long series,
            so that no more than BAR_BUDGET bars are simulated for them.
        finer: As in `simulate`; with `magnify` only the bars that stay ambiguous vary.
        base: The result of the run if it exists already; without an ambiguous bar nothing is simulated then.

    Raises:
        ValueError: There are more or fewer signals than bars.
        ValidationFailed: The finer bars are missing, or do not match the bars.
    """
    sub_bars = match_sub_bars(candles, finer, config)

    def run(scenario: ExecutionConfig) -> Simulation:
        return simulate_matched(candles, signals, scenario, sub_bars)

    base = run(config) if base is None else base
    rows = [_figures(base)]
    is_exact = True
    if base.ambiguous_bars:
        incremental: IncrementalScenarios | None = None
        if supports_incremental(signals, config, base):
            incremental = IncrementalScenarios(candles, signals, config, base, BAR_BUDGET // 2)
            run_scenarios: RunScenarios = partial(_run_incrementally, incremental, run, config)
            max_scenarios, max_samples = MAX_SCENARIOS, samples
        else:
            run_scenarios = partial(_run_whole, run, config)
            affordable = max(MIN_SAMPLES, BAR_BUDGET // len(candles))
            max_scenarios, max_samples = min(MAX_SCENARIOS, affordable), min(samples, affordable)
        rows.append(run_scenarios(_named_scenarios(config), len(_named_scenarios(config))))
        every = _run_every_scenario(run_scenarios, max_scenarios) if base.ambiguous_bars <= FEW_BARS else None
        is_exact = every is not None
        if incremental is not None:  # half of the budget is kept for the random scenarios
            incremental.budget += BAR_BUDGET // 2
        random: list[Scenario] = [("random", seed + number) for number in range(max_samples)]
        rows.append(run_scenarios(random, MIN_SAMPLES) if every is None else every)
    figures = np.vstack(rows)
    ranges = {name: _range(figures[:, column]) for column, name in enumerate(FIGURES)}
    sign_depends = _crosses(ranges["final_equity"], config.cash)
    return ResultBounds(ranges, len(figures), is_exact, sign_depends, base.ambiguous_bars, base.ambiguous_trades)


def _named_scenarios(config: ExecutionConfig) -> list[Scenario]:
    names: tuple[IntrabarName, ...] = ("worst", "best", "nearest")
    used = "worst" if config.intrabar == "magnify" else config.intrabar
    return [(name, 0) for name in names if name != used]


def _run_whole(run: Run, config: ExecutionConfig, scenarios: Sequence[Scenario], _: int) -> ScenarioFigures:
    rows = [_figures(run(replace(config, intrabar=name, seed=seed))) for name, seed in scenarios]
    return np.array(rows).reshape(len(scenarios), AMBIGUOUS_BARS + 1)


def _run_incrementally(
    incremental: IncrementalScenarios, run: Run, config: ExecutionConfig, scenarios: Sequence[Scenario], least: int
) -> ScenarioFigures:
    final, drawdown, wins, trades, draws = incremental.run(scenarios, least).T
    rate = np.divide(wins, trades, out=np.full(len(final), np.nan), where=trades > 0.0)
    figures = np.column_stack((final, drawdown, rate, draws))
    for number in np.flatnonzero(np.isnan(final)).tolist():  # equity of 0 or less cannot be scaled
        if incremental.budget <= 0 and number >= least:
            return figures[:number]
        name, seed = scenarios[number]
        whole = run(replace(config, intrabar=name, seed=seed))
        figures[number] = _figures(whole)
        incremental.budget -= len(whole.candles)
    return figures


def _run_every_scenario(run_scenarios: RunScenarios, limit: int) -> ScenarioFigures | None:
    # A depth-first walk over the bits: the path of earlier bars decides which later ones are ambiguous.
    rows: list[ScenarioFigures] = []
    bits: list[int] = []
    while len(rows) < limit:
        figures = run_scenarios([("seed_bits", sum(bit << position for position, bit in enumerate(bits)))], 0)
        if not len(figures):
            return None
        rows.append(figures)
        depth = int(figures[0, AMBIGUOUS_BARS])
        if depth > MAX_BITS or 2**depth > 4 * limit:
            return None
        bits += [0] * (depth - len(bits))
        while bits and bits[-1]:
            bits.pop()
        if not bits:
            return np.vstack(rows)
        bits[-1] = 1
    return None


def _figures(run: Simulation) -> ScenarioFigures:
    pnl = np.ascontiguousarray(trade_columns(run).pnl)
    figures = float(run.equity[-1]), max_drawdown(run.equity).value, win_rate(pnl).value
    return np.array([*figures, run.ambiguous_bars], dtype=np.float64)  # None becomes NaN


def _range(values: NDArray[np.float64]) -> FigureRange | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    q05, q50, q95 = (quantile(defined, share) for share in (0.05, 0.5, 0.95))
    return FigureRange(float(defined.min()), float(defined.max()), q05, q50, q95)


def _crosses(final_equity: FigureRange | None, initial: float) -> bool:
    if final_equity is None:
        return False
    return final_equity.low < initial * (1.0 - ROUNDING) and initial * (1.0 + ROUNDING) < final_equity.high
