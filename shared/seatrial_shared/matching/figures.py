"""A run's trades and instants in the form that the statistics take, without making a record of each trade."""

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching import layout
from seatrial_shared.matching.simulation import Simulation
from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.trades import TradeColumns


def trade_columns(simulation: Simulation) -> TradeColumns:
    """Return the closed trades as columns; the numbers are those of the records."""
    table = simulation.table
    entry, leave, quantity = table[:, layout.T_ENTRY_PRICE], table[:, layout.T_EXIT_PRICE], table[:, layout.T_QUANTITY]
    gross = table[:, layout.T_SIDE] * quantity * (leave - entry)
    net = gross - table[:, layout.T_ENTRY_FEE] - table[:, layout.T_EXIT_FEE]
    risked = np.abs(entry - table[:, layout.T_INITIAL_STOP]) * quantity
    has_risk = risked > 0.0
    return TradeColumns(
        entry_price=entry,
        exit_price=leave,
        quantity=quantity,
        fees=table[:, layout.T_ENTRY_FEE] + table[:, layout.T_EXIT_FEE],
        slippage=table[:, layout.T_SLIPPAGE],
        pnl_gross=gross,
        pnl=net,
        bars_held=table[:, layout.T_EXIT_INDEX] - table[:, layout.T_ENTRY_INDEX] + 1.0,
        r_multiple=np.divide(net, risked, out=np.full(len(net), np.nan), where=has_risk),
    )


def equity_times_ms(candles: Candles) -> NDArray[np.int64]:
    """Return the instants of the n+1 equity values: the open of the first bar, then the close of each."""
    times = np.empty(len(candles) + 1, dtype=np.int64)
    times[0] = candles.time_ms[0]
    np.add(candles.time_ms, candles.interval_ms, out=times[1:])
    return times
