"""Drawdown inside bars: equity marked at the worst price of each bar while a position is open."""

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
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled


@compiled
def worst_equity(rows: Floats, equity: Floats, highs: Floats, lows: Floats, closes: Floats) -> Floats:
    """Return the equity at the worst price of each bar, float64[n + 1]; never above the equity at its close.

    Args:
        rows: The trades in order, float64[m, T_SIZE]; the exit index of an open position is the number of bars.
        equity: Marked at the closes, float64[n + 1].
        highs: Highs of the bars, float64[n].
        lows: Lows of the bars, float64[n].
        closes: Closes of the bars, float64[n].
    """
    worst = equity.copy()
    for number in range(rows.shape[0]):
        row = rows[number]
        entry, exit_index = int(row[T_ENTRY_INDEX]), int(row[T_EXIT_INDEX])
        quantity = row[T_SIDE] * row[T_QUANTITY]
        worst[entry + 1] = min(worst[entry + 1], _entry_mark(row, equity, closes))
        adverse = lows if quantity > 0.0 else highs
        for i in range(entry + 1, min(exit_index, closes.shape[0])):
            worst[i + 1] = equity[i + 1] + quantity * (adverse[i] - closes[i])
        if entry < exit_index < closes.shape[0]:
            worst[exit_index + 1] = min(worst[exit_index + 1], _exit_mark(row, equity, closes))
    return worst


@compiled
def intrabar_drawdown(rows: Floats, equity: Floats, highs: Floats, lows: Floats, closes: Floats) -> float:
    """Return the greatest fall of the worst equity below the highest close before it, a ratio of at least 0.

    Equity is constant between trades, so only the bars of trades are read and no array is made.

    Args:
        rows: The trades as in `worst_equity`.
        equity: Marked at the closes, float64[n + 1]; the first value is above 0.
        highs: Highs of the bars, float64[n].
        lows: Lows of the bars, float64[n].
        closes: Closes of the bars, float64[n].
    """
    depth = 0.0
    peak = equity[0]
    for number in range(rows.shape[0]):
        row = rows[number]
        entry, exit_index = int(row[T_ENTRY_INDEX]), int(row[T_EXIT_INDEX])
        quantity = row[T_SIDE] * row[T_QUANTITY]
        peak = max(peak, equity[entry])
        depth = _deeper(depth, peak, min(_entry_mark(row, equity, closes), equity[entry + 1]))
        first, end = entry + 1, min(exit_index, closes.shape[0])
        adverse = lows if quantity > 0.0 else highs
        peak, depth = _position_drawdown(
            equity[first : end + 1], adverse[first:end], closes[first:end], quantity, peak, depth
        )
        if entry < exit_index < closes.shape[0]:
            peak = max(peak, equity[exit_index])
            depth = _deeper(depth, peak, min(_exit_mark(row, equity, closes), equity[exit_index + 1]))
    return float(depth)


@compiled
def _position_drawdown(
    equity: Floats, adverse: Floats, closes: Floats, quantity: float, peak: float, depth: float
) -> tuple[float, float]:
    floor = peak * (1.0 - depth)  # marks below it are deeper than `depth`, so that only those are divided
    for i in range(adverse.shape[0]):
        if equity[i] > peak:
            peak = equity[i]
            floor = peak * (1.0 - depth)
        mark = equity[i + 1] + quantity * (adverse[i] - closes[i])
        if mark < floor:
            depth = _deeper(depth, peak, mark)
            floor = mark
    return peak, depth


@compiled
def _entry_mark(row: Floats, equity: Floats, closes: Floats) -> float:
    entry = int(row[T_ENTRY_INDEX])
    quantity = row[T_SIDE] * row[T_QUANTITY]
    if entry == int(row[T_EXIT_INDEX]):
        paid = row[T_ENTRY_FEE] + quantity * (row[T_ENTRY_PRICE] - row[T_ENTRY_WORST])
        pnl = quantity * (row[T_EXIT_PRICE] - row[T_ENTRY_PRICE]) - row[T_ENTRY_FEE] - row[T_EXIT_FEE]
        return float(equity[entry + 1] - pnl - paid)
    return float(equity[entry + 1] + quantity * (row[T_ENTRY_WORST] - closes[entry]))


@compiled
def _exit_mark(row: Floats, equity: Floats, closes: Floats) -> float:
    exit_index = int(row[T_EXIT_INDEX])
    return float(equity[exit_index] + row[T_SIDE] * row[T_QUANTITY] * (row[T_EXIT_WORST] - closes[exit_index - 1]))


@compiled
def _deeper(depth: float, peak: float, mark: float) -> float:
    return float(max(depth, 1.0 - mark / peak))
