"""Re-simulates only the trades touched by an ambiguous bar and scales the equity in between.

A segment is a part of a run between two moments at which the account is flat; its figures are relative to the cash at
its start, so that segments of different runs can be appended to each other.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.array_loop import advance
from seatrial_trading.matching.columns import Bars, Orders, SubBars
from seatrial_trading.matching.config import IntrabarName
from seatrial_trading.matching.intrabar import scenario_bit
from seatrial_trading.matching.kernel import finish
from seatrial_trading.matching.layout import (
    C_INTRABAR,
    C_SEED,
    INTRABAR_RANDOM,
    S_CASH,
    S_CLOSE,
    S_DRAWS,
    S_INDEX,
    S_INITIAL_STOP,
    S_STOP,
    S_TARGET,
    S_TRADES,
    S_TRAIL,
    S_WINS,
    T_AMBIGUOUS,
    T_ENTRY_FEE,
    T_ENTRY_INDEX,
    T_ENTRY_PRICE,
    T_EXIT_FEE,
    T_EXIT_INDEX,
    T_EXIT_PRICE,
    T_QUANTITY,
    T_SIDE,
)
from seatrial_trading.quant.column import Bools, Floats
from seatrial_trading.quant.jit import compiled

Scenario = tuple[IntrabarName, int]  # an intrabar rule and its seed

# Figures of a scenario: final equity (NaN: the account did not stay above zero), drawdown ratio, winning trades,
# trades, and the number of ambiguous bars.
FINAL, DRAWDOWN, WINS, TRADES, DRAWS = 0, 1, 2, 3, 4
FIGURES = 5
# Columns of a segment, money relative to the cash at its start: cash at its end, highest and lowest equity, drawdown
# inside it, winning trades, trades, ambiguous bars, the next trade of the base run, and the kind of a cache row.
END, HIGHEST, LOWEST, DEEPEST, WON, CLOSED, DRAWN, NEXT, KIND = 0, 1, 2, 3, 4, 5, 6, 7, 8
SEGMENT = 9
EMPTY, LEAF, FORK = 0.0, 1.0, 2.0
ROWS = 16  # row 0 for results that are not cached; forks 1 to 7, the children of fork r in rows 2 r and 2 r + 1


class RunInput(NamedTuple):
    """The input of a run; the intrabar rule and the seed in `config` are changed for each scenario."""

    bars: Bars
    sub_bars: SubBars
    orders: Orders
    config: Floats


class BaseRun(NamedTuple):
    """A run whose result is known.

    Args:
        rows: Its T trades, float64[T, T_SIZE].
        equity: Its equity, float64[n + 1].
        segments: For each trade, and one after the last, float64[T + 1, SEGMENT]: the part of the run from there to
            the next trade that is simulated again, or to the end.
        starts_flat: Whether the account was flat at the decision of each trade, bool[T].
    """

    rows: Floats
    equity: Floats
    segments: Floats
    starts_flat: Bools


class RerunBuffers(NamedTuple):
    """Working memory; compiled code that creates arrays takes seconds longer to compile.

    Args:
        state, trades, equity, rejections: As in `advance`.
        cache: Results of simulated trades, float64[T, ROWS, SEGMENT]: for each trade a tree by the bits drawn.
        total: The segment from the start of the run, float64[SEGMENT].
    """

    state: Floats
    trades: Floats
    equity: Floats
    rejections: NDArray[np.int8]
    cache: Floats
    total: Floats


def base_run(rows: Floats, equity: Floats) -> BaseRun:
    """Return a run's trades with the segments between those that met an ambiguous bar.

    Args:
        rows: The trades, float64[T, T_SIZE].
        equity: Marked at the closes, float64[n + 1].
    """
    size = len(rows)
    base = BaseRun(rows, equity, np.zeros((size + 1, SEGMENT)), np.ones(size, dtype=np.bool_))
    _fill_segments(*base)
    return base


@compiled
def _fill_segments(rows: Floats, equity: Floats, segments: Floats, starts_flat: Bools) -> None:
    size = rows.shape[0]
    segments[size, END] = segments[size, HIGHEST] = segments[size, LOWEST] = 1.0
    segments[size, NEXT] = size
    is_ambiguous = False  # this trade, or one that follows it at the same open without being flat between
    for j in range(size - 1, -1, -1):
        begin = int(rows[j, T_ENTRY_INDEX])
        end = int(rows[j + 1, T_ENTRY_INDEX]) if j + 1 < size else equity.shape[0] - 1
        starts_flat[j] = j == 0 or rows[j - 1, T_EXIT_INDEX] < begin
        is_ambiguous = is_ambiguous or rows[j, T_AMBIGUOUS] != 0.0
        segment = segments[j]
        if is_ambiguous and starts_flat[j]:
            segment[END] = segment[HIGHEST] = segment[LOWEST] = 1.0
            segment[NEXT] = j
            is_ambiguous = False
        else:
            flat_at = min(int(rows[j, T_EXIT_INDEX]) + 1, end)  # the equity is constant from there to `end`
            _measure(equity[begin : flat_at + 1], segment)
            segment[WON], segment[CLOSED] = 1.0 if _is_won(rows[j]) else 0.0, 1.0
            _append(segment, segments[j + 1])


@compiled
def run_scenarios(
    run: RunInput, base: BaseRun, buffers: RerunBuffers, scenarios: Floats, figures: Floats, budget: int, least: int
) -> tuple[int, int]:
    """Run scenarios of a base run.

    Args:
        run: The input of the base run.
        base: Its result.
        buffers: Working memory.
        scenarios: An Intrabar rule and a seed each, float64[m, 2].
        figures: Filled in, float64[m, FIGURES].
        budget: Bars that may be simulated.
        least: Number of scenarios that are run even when the budget is spent.

    Returns:
        How many scenarios were run, and what is left of the budget.
    """
    size, total, config = base.rows.shape[0], buffers.total, run.config
    for number in range(scenarios.shape[0]):
        if budget <= 0 and number >= least:
            return number, budget
        config[C_INTRABAR], config[C_SEED] = scenarios[number, 0], scenarios[number, 1]
        has_bits = config[C_INTRABAR] >= INTRABAR_RANDOM
        total[:] = 0.0
        total[END] = total[HIGHEST] = total[LOWEST] = 1.0
        _append_base(total, base)
        trade = int(total[NEXT])
        while trade < size and total[LOWEST] > 0.0:
            cache = buffers.cache[trade]
            row = _find(cache, config, total[DRAWN]) if has_bits else 0
            if cache[row, KIND] != LEAF:
                cash = total[END] * base.equity[0]
                budget -= _rerun_trade(run, base, buffers, trade, cash, total[DRAWN], cache[0])
                _append_base(cache[0], base)
                row = _store(cache, config, total[DRAWN]) if has_bits else 0
            _append(total, cache[row])
            trade = int(total[NEXT])
        result = figures[number]
        result[FINAL] = total[END] * base.equity[0] if total[LOWEST] > 0.0 else math.nan
        result[DRAWDOWN], result[WINS] = total[DEEPEST], total[WON]
        result[TRADES], result[DRAWS] = total[CLOSED], total[DRAWN]
    return scenarios.shape[0], budget


@compiled
def _append_base(segment: Floats, base: BaseRun) -> None:
    # Appends the base run up to the next trade that is simulated again.
    following = base.segments[int(segment[NEXT])]
    if following[NEXT] != segment[NEXT]:
        _append(segment, following)


@compiled
def _find(cache: Floats, config: Floats, draws: float) -> int:
    # Returns the row that the next bits lead to.
    row = 1
    while cache[row, KIND] == FORK:
        draws += 1.0
        row = 2 * row + (1 if scenario_bit(config, draws) else 0)
    return row


@compiled
def _store(cache: Floats, config: Floats, draws: float) -> int:
    # Copies row 0 to the row that its bits lead to and returns that row; 0 where it took too many bits.
    row = 1
    for number in range(int(cache[0, DRAWN])):
        if 2 * row >= ROWS:
            return 0
        cache[row, KIND] = FORK
        row = 2 * row + (1 if scenario_bit(config, draws + 1.0 + number) else 0)
    cache[row] = cache[0]
    cache[row, KIND] = LEAF
    return row


@compiled
def _rerun_trade(
    run: RunInput, base: BaseRun, buffers: RerunBuffers, trade: int, cash: float, draws: float, segment: Floats
) -> int:
    # Simulates from one trade of the base run until both runs are flat; returns the number of bars.
    state, rows, size, end = buffers.state, base.rows, base.rows.shape[0], run.bars.closes.shape[0]
    equity = buffers.equity
    start = int(rows[trade, T_ENTRY_INDEX]) - 1
    state[:] = 0.0
    state[S_STOP] = state[S_TARGET] = state[S_TRAIL] = state[S_INITIAL_STOP] = math.nan
    state[S_CASH], state[S_INDEX], state[S_DRAWS] = cash, float(start), draws
    state[S_CLOSE] = run.bars.closes[start - 1] if start > 0 else 0.0
    equity[start] = cash
    i, after = start, trade + 1
    to_exit = base.starts_flat[trade]  # always true here; numba would compile `advance` again for a literal True
    while True:
        i = advance(
            run.bars,
            run.sub_bars,
            run.orders,
            state,
            run.config,
            buffers.trades,
            equity,
            buffers.rejections,
            i,
            end,
            to_exit,
        )
        if i >= end:
            finish(state, run.config, buffers.trades)
            equity[end] = state[S_CASH]
            after = size
            break
        # The base run decides its next trade at the close of bar i or later, and was flat at the close of bar i - 1.
        while after < size and (rows[after, T_ENTRY_INDEX] - 1.0 < i or not base.starts_flat[after]):
            after += 1
        if rows[after - 1, T_EXIT_INDEX] < i:
            break
    segment[:] = 0.0
    _measure(equity[start : i + 1], segment)
    segment[WON], segment[CLOSED] = state[S_WINS], state[S_TRADES]
    segment[DRAWN], segment[NEXT] = state[S_DRAWS] - draws, after
    return i - start


@compiled
def _measure(equity: Floats, segment: Floats) -> None:
    first = highest = lowest = equity[0]  # above zero
    least_ratio = 1.0
    for value in equity:  # without a branch, which the processor could not predict here
        highest = max(highest, value)
        lowest = min(lowest, value)
        least_ratio = min(least_ratio, value / highest)
    segment[END], segment[HIGHEST], segment[LOWEST] = equity[-1] / first, highest / first, lowest / first
    segment[DEEPEST] = 1.0 - least_ratio


@compiled
def _append(total: Floats, segment: Floats) -> None:
    scale = total[END]
    fall = 1.0 - scale * segment[LOWEST] / total[HIGHEST]
    total[DEEPEST] = max(max(total[DEEPEST], segment[DEEPEST]), fall)
    total[HIGHEST] = max(total[HIGHEST], scale * segment[HIGHEST])
    total[LOWEST] = min(total[LOWEST], scale * segment[LOWEST])
    total[END] = scale * segment[END]
    total[WON] += segment[WON]
    total[CLOSED] += segment[CLOSED]
    total[DRAWN] += segment[DRAWN]
    total[NEXT] = segment[NEXT]


@compiled
def _is_won(row: Floats) -> bool:
    gross = row[T_SIDE] * row[T_QUANTITY] * (row[T_EXIT_PRICE] - row[T_ENTRY_PRICE])
    return bool(gross - row[T_ENTRY_FEE] - row[T_EXIT_FEE] > 0.0)
