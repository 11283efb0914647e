"""All figures of one simulation: those of equity and trades, and those that need the position bar by bar."""

import numpy as np

from seatrial_shared.matching import Simulation
from seatrial_shared.matching.figures import equity_times_ms, trade_columns
from seatrial_shared.matching.layout import T_AMBIGUOUS, T_ENTRY_INDEX, T_EXIT_INDEX, T_QUANTITY
from seatrial_shared.quant.column import Floats
from seatrial_shared.quant.figure import Figure, known, undefined
from seatrial_shared.quant.jit import compiled
from seatrial_shared.quant.performance import NO_TRADES
from seatrial_shared.quant.statistics import Metric, Statistics, statistics


def figures(simulation: Simulation) -> Statistics:
    """Return every figure of a run."""
    candles, equity = simulation.candles, simulation.equity
    trades = trade_columns(simulation)
    found = statistics(equity, equity_times_ms(candles), trades)
    ratios = trades.pnl / (trades.entry_price * trades.quantity)
    more = {
        "intrabar_max_drawdown": known(simulation.intrabar_drawdown)
        if equity.min() > 0.0
        else undefined("the equity is not above zero throughout"),
        "mean_notional_ratio": _mean_notional_ratio(simulation),
        "average_win_ratio": _mean(ratios[trades.pnl > 0.0], "no winning trade", len(trades)),
        "average_loss_ratio": _mean(ratios[trades.pnl < 0.0], "no losing trade", len(trades)),
    }
    metrics: dict[str, Metric] = {**found.metrics, **{name: figure.value for name, figure in more.items()}}
    reasons = {name: str(figure.reason) for name, figure in more.items() if figure.value is None}
    return Statistics(metrics, {**found.undefined, **reasons})


def ambiguous_pnl_share(simulation: Simulation) -> float:
    """Return the share of what was won and lost, as amounts, by trades that met an ambiguous bar."""
    pnl = np.abs(trade_columns(simulation).pnl)
    moved = float(pnl.sum())
    return float(pnl[simulation.table[:, T_AMBIGUOUS] != 0.0].sum()) / moved if moved > 0.0 else 0.0


def _mean_notional_ratio(simulation: Simulation) -> Figure:
    """Return the mean over the bars of what is held at the close, as a ratio of the equity."""
    table, closes, equity = simulation.table, simulation.candles.close, simulation.equity[1:]
    if not len(closes) or not equity.min() > 0.0:
        return undefined("the equity is not above zero throughout")
    rows = table if simulation.open_row is None else np.vstack((table, simulation.open_row))
    return known(_summed_notional_ratios(rows, closes, equity) / len(closes))


@compiled
def _summed_notional_ratios(rows: Floats, closes: Floats, equity: Floats) -> float:
    total = 0.0
    for number in range(rows.shape[0]):
        held = rows[number, T_QUANTITY]
        for i in range(int(rows[number, T_ENTRY_INDEX]), min(int(rows[number, T_EXIT_INDEX]), closes.shape[0])):
            total += held * closes[i] / equity[i]
    return float(total)


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]], none: str, trades: int) -> Figure:
    if len(values):
        return known(float(values.mean()))
    return undefined(none if trades else NO_TRADES)
