"""Computes all metrics of a simulation: from equity and trades, and from the position bar by bar."""

import numpy as np

from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_trading.matching import Simulation
from seatrial_trading.matching.layout import T_AMBIGUOUS, T_ENTRY_INDEX, T_EXIT_INDEX, T_QUANTITY
from seatrial_trading.matching.trade_columns import trade_columns
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled
from seatrial_trading.quant.performance import NO_TRADES
from seatrial_trading.quant.statistics import Metric, Statistics, statistics

CHUNK = 256


def compute_statistics(simulation: Simulation) -> Statistics:
    """Return all metrics of a run, with the reason for each undefined one."""
    trades = trade_columns(simulation)
    basic = statistics(simulation.equity, simulation.candles.marks_ms, trades)
    is_positive = simulation.equity.min() > 0.0
    not_positive = undefined("the equity is not above zero throughout")
    ratios = trades.pnl / (trades.entry_price * trades.quantity)
    more = {
        "intrabar_max_drawdown": known(simulation.intrabar_drawdown) if is_positive else not_positive,
        "mean_notional_ratio": _mean_notional_ratio(simulation) if is_positive else not_positive,
        "average_win_ratio": _mean(ratios[trades.pnl > 0.0], "no winning trade", len(trades)),
        "average_loss_ratio": _mean(ratios[trades.pnl < 0.0], "no losing trade", len(trades)),
    }
    metrics: dict[str, Metric] = {
        **basic.metrics,
        **{name: figure.value for name, figure in more.items()},
    }
    reasons = {name: str(figure.reason) for name, figure in more.items() if figure.value is None}
    return Statistics(metrics, {**basic.undefined, **reasons})


def ambiguous_pnl_share(simulation: Simulation) -> float:
    """Return the share of the absolute profit and loss from trades with an ambiguous bar, 0 to 1."""
    pnl = np.abs(trade_columns(simulation).pnl)
    moved = float(pnl.sum())
    return float(pnl[simulation.table[:, T_AMBIGUOUS] != 0.0].sum()) / moved if moved > 0.0 else 0.0


def _mean_notional_ratio(simulation: Simulation) -> Figure:
    closes, equity = simulation.candles.close, simulation.equity[1:]
    if not len(closes):
        return undefined("no bars")
    return known(_summed_notional_ratios(simulation.position_rows, closes, equity, np.empty(CHUNK)) / len(closes))


@compiled
def _summed_notional_ratios(rows: Floats, closes: Floats, equity: Floats, room: Floats) -> float:
    total = 0.0
    for number in range(rows.shape[0]):
        entry, leave = int(rows[number, T_ENTRY_INDEX]), min(int(rows[number, T_EXIT_INDEX]), closes.shape[0])
        quantity = rows[number, T_QUANTITY]
        for start in range(entry, leave, CHUNK):
            end = min(start + CHUNK, leave)
            total += quantity * _summed_ratios(closes[start:end], equity[start:end], room[: end - start])
    return float(total)


@compiled
def _summed_ratios(some: Floats, others: Floats, ratios: Floats) -> float:
    # Four independent sums, so that the CPU can add in parallel.
    for i in range(some.shape[0]):
        ratios[i] = some[i] / others[i]
    a = b = c = d = 0.0
    whole = some.shape[0] // 4 * 4
    for i in range(0, whole, 4):
        a += ratios[i]
        b += ratios[i + 1]
        c += ratios[i + 2]
        d += ratios[i + 3]
    for i in range(whole, some.shape[0]):
        a += ratios[i]
    return float((a + b) + (c + d))


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]], none: str, trades: int) -> Figure:
    if len(values):
        return known(float(values.mean()))
    return undefined(none if trades else NO_TRADES)
