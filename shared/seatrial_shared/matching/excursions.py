"""How far a run stood under water inside its bars: equity marked at the worst price of each bar while it was held."""

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching.layout import (
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
from seatrial_shared.quant.jit import compiled

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
        if entry == leave:
            paid = row[T_ENTRY_FEE] + held * (row[T_ENTRY_PRICE] - row[T_ENTRY_WORST])
            pnl = held * (row[T_EXIT_PRICE] - row[T_ENTRY_PRICE]) - row[T_ENTRY_FEE] - row[T_EXIT_FEE]
            worst[entry + 1] = min(worst[entry + 1], equity[entry + 1] - pnl - paid)
            continue
        mark = equity[entry + 1] + held * (row[T_ENTRY_WORST] - closes[entry])
        worst[entry + 1] = min(worst[entry + 1], mark)
        adverse = lows if held > 0.0 else highs
        for i in range(entry + 1, min(leave, closes.shape[0])):
            worst[i + 1] = equity[i + 1] + held * (adverse[i] - closes[i])
        if leave < closes.shape[0]:
            mark = equity[leave] + held * (row[T_EXIT_WORST] - closes[leave - 1])
            worst[leave + 1] = min(worst[leave + 1], mark)
    return worst


@compiled
def intrabar_drawdown(equity: Floats, low_equity: Floats) -> float:
    """Return the greatest fall of the worst marks below the highest close before them, as a ratio.

    Args:
        equity: Marked at the closes, float64[n + 1], the first above zero.
        low_equity: Marked at the worst of each bar, float64[n + 1].
    """
    depth = 0.0
    peak = equity[0]
    floor = peak  # worst marks below it are deeper than `depth`, so that only those are divided
    for i in range(1, equity.shape[0]):
        if low_equity[i] < floor:
            depth = max(depth, 1.0 - low_equity[i] / peak)
            floor = low_equity[i]
        if equity[i] > peak:
            peak = equity[i]
            floor = peak * (1.0 - depth)
    return float(depth)
