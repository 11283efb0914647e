"""Runs anew, in another way, the trades of a known run that met an ambiguous bar, and scales what lies between them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.array_loop import Bars, Orders, SubBars, advance
from seatrial_trading.matching.intrabar import drawn
from seatrial_trading.matching.kernel import finish
from seatrial_trading.matching.layout import (
    C_INTRABAR,
    C_SEED,
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
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]
# What is known of a way: final equity (NaN: the account did not stay above zero), drawdown, winning trades, trades,
# draws that the ambiguous bars took.
FINAL, DRAWDOWN, WINS, TRADES, DRAWS = 0, 1, 2, 3, 4
FIGURES = 5
# What is known of a stretch of a run, money over the cash it began with: cash at its end, highest and lowest equity,
# deepest fall inside it, winning trades, trades, draws, the trade of the known run that comes next; and of a row of
# `Room.settled` what it holds.
END, HIGHEST, LOWEST, DEEPEST, WON, CLOSED, DRAWN, NEXT, HOLDS = 0, 1, 2, 3, 4, 5, 6, 7, 8
STRETCH = 9
NOTHING, A_STRETCH, A_FORK = 0.0, 1.0, 2.0
ROWS = 16  # forks 1 to 7, each with its branches at twice its row and one more; row 0 for what is not kept


class BaseRun(NamedTuple):
    """A run that is known.

    Args:
        rows: Its trades, T of them.
        equity: Its equity, float64[n + 1].
        stretches: For each trade, and one behind the last, float64[T + 1, STRETCH]: what the run went through from
            there to the next trade that is run anew, or to its end.
        is_node: For each trade, whether the account was flat when it was decided.
    """

    rows: Floats
    equity: Floats
    stretches: Floats
    is_node: NDArray[np.bool_]


class RerunBuffers(NamedTuple):
    """Where trades are run anew, and what each came to, float64[T, ROWS, STRETCH]: a tree by the draws that it took.

    Compiled code that makes arrays takes seconds longer to compile.
    """

    state: Floats
    trades: Floats
    equity: Floats
    rejections: NDArray[np.int8]
    settled: Floats
    way: Floats


def known(rows: Floats, equity: Floats) -> BaseRun:
    """Return what a run's trades make of the time between those that are run anew: all that met an ambiguous bar."""
    size = len(rows)
    run = BaseRun(rows, equity, np.zeros((size + 1, STRETCH)), np.ones(size, dtype=np.bool_))
    _know(*run)
    return run


@compiled
def _know(rows: Floats, equity: Floats, stretches: Floats, is_node: NDArray[np.bool_]) -> None:
    size = rows.shape[0]
    stretches[size, END] = stretches[size, HIGHEST] = stretches[size, LOWEST] = 1.0
    stretches[size, NEXT] = size
    met = False  # an ambiguous bar, by this trade or by those that it was turned into at one open
    for j in range(size - 1, -1, -1):
        begin = int(rows[j, T_ENTRY_INDEX])
        end = int(rows[j + 1, T_ENTRY_INDEX]) if j + 1 < size else equity.shape[0] - 1
        is_node[j] = j == 0 or rows[j - 1, T_EXIT_INDEX] < begin
        met = met or rows[j, T_AMBIGUOUS] != 0.0
        here = stretches[j]
        if met and is_node[j]:
            here[END] = here[HIGHEST] = here[LOWEST] = 1.0
            here[NEXT] = j
            met = False
        else:
            left = min(int(rows[j, T_EXIT_INDEX]) + 1, end)  # from there on nothing changes until `end`
            _measure(equity[begin : left + 1], here)
            here[WON], here[CLOSED] = 1.0 if _is_won(rows[j]) else 0.0, 1.0
            _append(here, stretches[j + 1])


@compiled
def settle(
    bars: Bars, finer: SubBars, orders: Orders, config: Floats, run: BaseRun, room: RerunBuffers,
    ways: Floats, found: Floats, budget: int, least: int,
) -> tuple[int, int]:  # fmt: skip
    """Settle the ambiguous bars of a known run in other ways.

    Args:
        bars, finer, orders, config: The run; the rule and the seed in `config` are changed.
        run: What is known of it.
        room: Where trades are run anew.
        ways: Intrabar rule and seed of each, float64[m, 2].
        found: Filled in, float64[m, FIGURES].
        budget: Bars that may be run anew.
        least: Ways that are settled whatever they take.

    Returns:
        How many ways were settled, and what is left of the budget.
    """
    size, way = run.rows.shape[0], room.way
    for number in range(ways.shape[0]):
        if budget <= 0 and number >= least:
            return number, budget
        config[C_INTRABAR], config[C_SEED] = ways[number, 0], ways[number, 1]
        by_bits = config[C_INTRABAR] >= 3.0
        way[:] = 0.0
        way[END] = way[HIGHEST] = way[LOWEST] = 1.0
        _pass_on(way, run)
        at = int(way[NEXT])
        while at < size and way[LOWEST] > 0.0:
            kept = room.settled[at]
            row = _find(kept, config, way[DRAWN]) if by_bits else 0
            if kept[row, HOLDS] != A_STRETCH:
                cash = way[END] * run.equity[0]
                budget -= _run_anew(bars, finer, orders, config, run, room, at, cash, way[DRAWN], kept[0])
                _pass_on(kept[0], run)
                row = _keep(kept, config, way[DRAWN]) if by_bits else 0
            _append(way, kept[row])
            at = int(way[NEXT])
        _conclude(way, run, found[number])
    return ways.shape[0], budget


@compiled
def _pass_on(way: Floats, run: BaseRun) -> None:
    """Let what the known run went through follow, up to the next trade that is run anew."""
    known_stretch = run.stretches[int(way[NEXT])]
    if known_stretch[NEXT] != way[NEXT]:
        _append(way, known_stretch)


@compiled
def _find(kept: Floats, config: Floats, draws: float) -> int:
    """Return the row where the draws that follow lead to."""
    row = 1
    while kept[row, HOLDS] == A_FORK:
        draws += 1.0
        row = 2 * row + (1 if drawn(config, draws) else 0)
    return row


@compiled
def _keep(kept: Floats, config: Floats, draws: float) -> int:
    """Keep row 0 where the draws that it took lead to, and return that row: 0 still where they are too many."""
    row = 1
    for number in range(int(kept[0, DRAWN])):
        if 2 * row >= ROWS:
            return 0
        kept[row, HOLDS] = A_FORK
        row = 2 * row + (1 if drawn(config, draws + 1.0 + number) else 0)
    kept[row] = kept[0]
    kept[row, HOLDS] = A_STRETCH
    return row


@compiled
def _conclude(way: Floats, run: BaseRun, found: Floats) -> None:
    found[FINAL] = way[END] * run.equity[0] if way[LOWEST] > 0.0 else math.nan
    found[DRAWDOWN], found[WINS], found[TRADES], found[DRAWS] = way[DEEPEST], way[WON], way[CLOSED], way[DRAWN]


@compiled
def _run_anew(
    bars: Bars, finer: SubBars, orders: Orders, config: Floats, run: BaseRun, room: RerunBuffers, at: int, cash: float,
    draws: float, stretch: Floats,
) -> int:  # fmt: skip
    """Run from one of its trades until the known run was flat too; return how many bars that took."""
    state, rows, size, end = room.state, run.rows, run.rows.shape[0], bars.closes.shape[0]
    start = int(rows[at, T_ENTRY_INDEX]) - 1
    state[:] = 0.0
    state[S_STOP] = state[S_TARGET] = state[S_TRAIL] = state[S_INITIAL_STOP] = math.nan
    state[S_CASH], state[S_INDEX], state[S_DRAWS] = cash, float(start), draws
    state[S_CLOSE] = bars.closes[start - 1] if start > 0 else 0.0
    room.equity[start] = cash
    i, after = start, at + 1
    to_exit = run.is_node[at]  # it is one; a plain True is a type of its own to numba, which compiles all again for it
    while True:
        i = advance(
            bars, finer, orders, state, config, room.trades, room.equity, room.rejections, i, end, to_exit
        )  # fmt: skip
        if i >= end:
            finish(state, config, room.trades)
            room.equity[end] = state[S_CASH]
            after = size
            break
        # The known run decides its next trade at the close of bar i or later, and was flat at the close of bar i - 1.
        while after < size and (rows[after, T_ENTRY_INDEX] - 1.0 < i or not run.is_node[after]):
            after += 1
        if rows[after - 1, T_EXIT_INDEX] < i:
            break
    stretch[:] = 0.0
    _measure(room.equity[start : i + 1], stretch)
    stretch[WON], stretch[CLOSED] = state[S_WINS], state[S_TRADES]
    stretch[DRAWN], stretch[NEXT] = state[S_DRAWS] - draws, after
    return i - start


@compiled
def _measure(equity: Floats, stretch: Floats) -> None:
    """Fill in what the equity of a stretch says; it begins above zero."""
    first = highest = lowest = equity[0]
    least_ratio = 1.0
    for value in equity:  # without a branch: which way one goes is hard to foresee here
        highest = max(highest, value)
        lowest = min(lowest, value)
        least_ratio = min(least_ratio, value / highest)
    stretch[END], stretch[HIGHEST], stretch[LOWEST] = equity[-1] / first, highest / first, lowest / first
    stretch[DEEPEST] = 1.0 - least_ratio


@compiled
def _append(way: Floats, stretch: Floats) -> None:
    """Let a stretch follow, to the scale of the cash that there is then."""
    scale = way[END]
    fall = 1.0 - scale * stretch[LOWEST] / way[HIGHEST]
    way[DEEPEST] = max(max(way[DEEPEST], stretch[DEEPEST]), fall)
    way[HIGHEST], way[LOWEST] = max(way[HIGHEST], scale * stretch[HIGHEST]), min(way[LOWEST], scale * stretch[LOWEST])
    way[END] = scale * stretch[END]
    way[WON] += stretch[WON]
    way[CLOSED] += stretch[CLOSED]
    way[DRAWN] += stretch[DRAWN]
    way[NEXT] = stretch[NEXT]


@compiled
def _is_won(row: Floats) -> bool:
    gross = row[T_SIDE] * row[T_QUANTITY] * (row[T_EXIT_PRICE] - row[T_ENTRY_PRICE])
    return bool(gross - row[T_ENTRY_FEE] - row[T_EXIT_FEE] > 0.0)
