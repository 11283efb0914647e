"""How far a run stood under water inside its bars: equity marked at the worst price of each bar while it was held."""

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.layout import (
    T_ENTRY_FEE,
    T_ENTRY_INDEX,
    T_ENTRY_PRICE,
    T_ENTRY_WORST,
    T_EXIT_FEE,
    T_EXIT_INDEX,
    T_EXIT_PRICE,
    T_EXIT_WORST,
    T_QUANTITY,
    T_SIDE,
)
from seatrial_trading.quant.jit import compiled

Floats = NDArray[np.float64]


@compiled
def worst_marks(rows: Floats, equity: Floats, highs: Floats, lows: Floats, closes: Floats) -> Floats:
    """Return the equity at the worst instant of each bar, float64[n + 1]; never above the equity at its close.

    Args:
        rows: The trades in order, columns of `layout.T_*`; the exit of one that is still open lies behind the bars.
        equity: Marked at the closes, float64[n + 1].
        highs, lows, closes: The bars.
    """
    worst = equity.copy()
    for number in range(rows.shape[0]):
        row = rows[number]
        entry, leave = int(row[T_ENTRY_INDEX]), int(row[T_EXIT_INDEX])
        held = row[T_SIDE] * row[T_QUANTITY]
        worst[entry + 1] = min(worst[entry + 1], _entry_mark(row, equity, closes))
        adverse = lows if held > 0.0 else highs
        for i in range(entry + 1, min(leave, closes.shape[0])):
            worst[i + 1] = equity[i + 1] + held * (adverse[i] - closes[i])
        if entry < leave < closes.shape[0]:
            worst[leave + 1] = min(worst[leave + 1], _exit_mark(row, equity, closes))
    return worst


@compiled
def intrabar_drawdown(rows: Floats, equity: Floats, highs: Floats, lows: Floats, closes: Floats) -> float:
    """Return the greatest fall of the worst marks below the highest close before them, as a ratio.

    Between the trades the equity stands still, so that only their bars are looked at, and no mark is kept.

    Args:
        rows, equity, highs, lows, closes: As in `worst_marks`; the equity begins above zero.
    """
    depth = 0.0
    peak = equity[0]
    for number in range(rows.shape[0]):
        row = rows[number]
        entry, leave = int(row[T_ENTRY_INDEX]), int(row[T_EXIT_INDEX])
        held = row[T_SIDE] * row[T_QUANTITY]
        peak = max(peak, equity[entry])
        depth = _deeper(depth, peak, min(_entry_mark(row, equity, closes), equity[entry + 1]))
        first, end = entry + 1, min(leave, closes.shape[0])
        adverse = lows if held > 0.0 else highs
        peak, depth = _held_fall(equity[first : end + 1], adverse[first:end], closes[first:end], held, peak, depth)
        if entry < leave < closes.shape[0]:
            peak = max(peak, equity[leave])
            depth = _deeper(depth, peak, min(_exit_mark(row, equity, closes), equity[leave + 1]))
    return float(depth)


@compiled
def _held_fall(
    equity: Floats, adverse: Floats, closes: Floats, held: float, peak: float, depth: float
) -> tuple[float, float]:
    floor = peak * (1.0 - depth)  # marks below it are deeper than `depth`, so that only those are divided
    for i in range(adverse.shape[0]):
        if equity[i] > peak:
            peak = equity[i]
            floor = peak * (1.0 - depth)
        mark = equity[i + 1] + held * (adverse[i] - closes[i])
        if mark < floor:
            depth = _deeper(depth, peak, mark)
            floor = mark
    return peak, depth


@compiled
def _entry_mark(row: Floats, equity: Floats, closes: Floats) -> float:
    entry = int(row[T_ENTRY_INDEX])
    held = row[T_SIDE] * row[T_QUANTITY]
    if entry == int(row[T_EXIT_INDEX]):
        paid = row[T_ENTRY_FEE] + held * (row[T_ENTRY_PRICE] - row[T_ENTRY_WORST])
        pnl = held * (row[T_EXIT_PRICE] - row[T_ENTRY_PRICE]) - row[T_ENTRY_FEE] - row[T_EXIT_FEE]
        return float(equity[entry + 1] - pnl - paid)
    return float(equity[entry + 1] + held * (row[T_ENTRY_WORST] - closes[entry]))


@compiled
def _exit_mark(row: Floats, equity: Floats, closes: Floats) -> float:
    leave = int(row[T_EXIT_INDEX])
    return float(equity[leave] + row[T_SIDE] * row[T_QUANTITY] * (row[T_EXIT_WORST] - closes[leave - 1]))


@compiled
def _deeper(depth: float, peak: float, mark: float) -> float:
    return float(max(depth, 1.0 - mark / peak))
