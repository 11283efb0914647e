"""A run's trades as columns for the statistics, without a record for each trade."""

import numpy as np

from seatrial_trading.matching import layout
from seatrial_trading.matching.simulation import Simulation
from seatrial_trading.quant.trades import TradeColumns


def trade_columns(simulation: Simulation) -> TradeColumns:
    """Return the closed trades as columns, float64[m] each; the numbers equal those of the records."""
    table = simulation.table
    entry, exit_price, quantity = (
        table[:, layout.T_ENTRY_PRICE],
        table[:, layout.T_EXIT_PRICE],
        table[:, layout.T_QUANTITY],
    )
    gross = table[:, layout.T_SIDE] * quantity * (exit_price - entry)
    net = gross - table[:, layout.T_ENTRY_FEE] - table[:, layout.T_EXIT_FEE]
    risked = np.abs(entry - table[:, layout.T_INITIAL_STOP]) * quantity
    has_risk = risked > 0.0
    return TradeColumns(
        entry_price=entry,
        exit_price=exit_price,
        quantity=quantity,
        fees=table[:, layout.T_ENTRY_FEE] + table[:, layout.T_EXIT_FEE],
        slippage=table[:, layout.T_SLIPPAGE],
        pnl_gross=gross,
        pnl=net,
        bars_held=table[:, layout.T_EXIT_INDEX] - table[:, layout.T_ENTRY_INDEX] + 1.0,
        r_multiple=np.divide(net, risked, out=np.full(len(net), np.nan), where=has_risk),
    )
