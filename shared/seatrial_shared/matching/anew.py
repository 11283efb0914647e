"""Runs anew, in another way, the trades of a known run that met an ambiguous bar, and scales what lies between them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching.kernel import finish
from seatrial_shared.matching.layout import (
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
from seatrial_shared.matching.loop import Bars, Finer, Orders, advance
from seatrial_shared.matching.settling import drawn
from seatrial_shared.quant.jit import compiled

Floats = NDArray[np.float64]
# What is known of a way: final equity (NaN: the account did not stay above zero), drawdown, winning trades, trades,
# draws that the ambiguous bars took.
FINAL, DRAWDOWN, WINS, TRADES, DRAWS = 0, 1, 2, 3, 4
FIGURES = 5
# What is known of a stretch of a run, money over the cash it began with: cash at its end, highest and lowest equity,
# deepest fall inside it, winning trades, trades, draws, the trade of the known run that comes next, whether it is set.
END, HIGHEST, LOWEST, DEEPEST, WON, CLOSED, DRAWN, NEXT, IS_SET = 0, 1, 2, 3, 4, 5, 6, 7, 8
STRETCH = 9


class Known(NamedTuple):
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


class Room(NamedTuple):
    """Where trades are run anew, and what each came to by a bit of 0 or 1 where it took just one.

    Compiled code that makes arrays takes seconds longer to compile.
    """

    state: Floats
    trades: Floats
    equity: Floats
    rejections: NDArray[np.int8]
    settled: Floats
    way: Floats
    stretch: Floats


def known(rows: Floats, equity: Floats) -> Known:
    """Return what a run's trades make of the time between those that are run anew: all that met an ambiguous bar."""
    size = len(rows)
    run = Known(rows, equity, np.zeros((size + 1, STRETCH)), np.ones(size, dtype=np.bool_))
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
            _measure(equity[begin : end + 1], here)
            here[WON], here[CLOSED] = 1.0 if _is_won(rows[j]) else 0.0, 1.0
            _append(here, stretches[j + 1])


@compiled
def settle(
    bars: Bars, finer: Finer, orders: Orders, config: Floats, run: Known, room: Room, ways: Floats, found: Floats,
    budget: int, least: int,
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
        at = _begin(way, run)
        while at < size and way[LOWEST] > 0.0:
            bit = 1 if by_bits and drawn(config, way[DRAWN] + 1.0) else 0
            stretch = room.settled[at, bit]
            if not by_bits or stretch[IS_SET] == 0.0:
                stretch = room.stretch
                stretch[:] = 0.0
                cash = way[END] * run.equity[0]
                budget -= _run_anew(bars, finer, orders, config, run, room, at, cash, way[DRAWN], stretch)
                if by_bits and stretch[DRAWN] == 1.0:
                    stretch[IS_SET] = 1.0
                    room.settled[at, bit] = stretch
            _append(way, stretch)
            at = _pass_on(way, run, int(stretch[NEXT]))
        _conclude(way, run, found[number])
    return ways.shape[0], budget


@compiled
def _begin(way: Floats, run: Known) -> int:
    way[:] = 0.0
    way[END] = way[HIGHEST] = way[LOWEST] = 1.0
    return int(_pass_on(way, run, 0))


@compiled
def _pass_on(way: Floats, run: Known, at: int) -> int:
    """Let what the known run went through follow, up to the next trade that is run anew, and return that."""
    following = int(run.stretches[at, NEXT])
    if following != at:
        _append(way, run.stretches[at])
    return following


@compiled
def _conclude(way: Floats, run: Known, found: Floats) -> None:
    found[FINAL] = way[END] * run.equity[0] if way[LOWEST] > 0.0 else math.nan
    found[DRAWDOWN], found[WINS], found[TRADES], found[DRAWS] = way[DEEPEST], way[WON], way[CLOSED], way[DRAWN]


@compiled
def _run_anew(
    bars: Bars, finer: Finer, orders: Orders, config: Floats, run: Known, room: Room, at: int, cash: float,
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
    _measure(room.equity[start : i + 1], stretch)
    stretch[WON], stretch[CLOSED] = state[S_WINS], state[S_TRADES]
    stretch[DRAWN], stretch[NEXT] = state[S_DRAWS] - draws, after
    return i - start


@compiled
def _measure(equity: Floats, stretch: Floats) -> None:
    """Fill in what the equity of a stretch says; it begins above zero."""
    first = highest = lowest = floor = equity[0]
    deepest = 0.0
    for value in equity:
        if value > highest:
            highest = value
            floor = highest * (1.0 - deepest)
        elif value < floor:  # only those are deeper
            deepest = max(deepest, 1.0 - value / highest)
            floor = value
        lowest = min(lowest, value)
    stretch[END], stretch[HIGHEST], stretch[LOWEST] = equity[-1] / first, highest / first, lowest / first
    stretch[DEEPEST] = deepest


@compiled
def _append(way: Floats, stretch: Floats) -> None:
    """Let a stretch follow, to the scale of the cash that there is then."""
    scale = way[END]
    fall = 1.0 - scale * stretch[LOWEST] / way[HIGHEST]
    way[DEEPEST] = max(max(way[DEEPEST], stretch[DEEPEST]), fall)
    way[HIGHEST], way[LOWEST] = max(way[HIGHEST], scale * stretch[HIGHEST]), min(way[LOWEST], scale * stretch[LOWEST])
    way[END] = scale * stretch[END]
    for each in (WON, CLOSED, DRAWN):
        way[each] += stretch[each]
    way[NEXT] = stretch[NEXT]


@compiled
def _is_won(row: Floats) -> bool:
    gross = row[T_SIDE] * row[T_QUANTITY] * (row[T_EXIT_PRICE] - row[T_ENTRY_PRICE])
    return bool(gross - row[T_ENTRY_FEE] - row[T_EXIT_FEE] > 0.0)
