"""Figures of closed trades: win rate, profit factor, expectancy, payoff, SQN; P&L is float64[n], net of fees."""

import math
from collections.abc import Sequence

import numpy as np

from seatrial_core.figures import live
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_trading.quant.column import Floats, column
from seatrial_trading.quant.kelly import kelly_of_trades
from seatrial_trading.quant.trades import TradeColumns

NO_TRADES = "no closed trades"
SQN_CAP = 100  # Tharp: more trades than these do not make a system better
Values = Floats | Sequence[float]


def win_rate(pnl: Values) -> Figure:
    """Return winning trades over closed trades, 0 to 1; a trade with a P&L of zero is no win.

    Args:
        pnl: Profit or loss of each closed trade after fees, float64[n].
    """
    values = column(pnl)
    return (
        live.win_rate_ratio(int(np.count_nonzero(values > 0.0)), len(values)) if len(values) else undefined(NO_TRADES)
    )


def profit_factor(pnl: Values) -> Figure:
    """Return the sum of wins over the size of the sum of losses.

    Args:
        pnl: Profit or loss of each closed trade after fees, float64[n].
    """
    values = column(pnl)
    if not len(values):
        return undefined(NO_TRADES)
    return live.profit_factor(float(values[values > 0.0].sum()), float(values[values < 0.0].sum()))


def average_win(pnl: Values) -> Figure:
    """Return the mean of the winning trades.

    Args:
        pnl: Profit or loss of each closed trade after fees, float64[n].
    """
    values = column(pnl)
    wins = values[values > 0.0]
    return known(float(wins.mean())) if len(wins) else undefined("no winning trade")


def average_loss(pnl: Values) -> Figure:
    """Return the mean of the losing trades, which is negative.

    Args:
        pnl: Profit or loss of each closed trade after fees, float64[n].
    """
    values = column(pnl)
    losses = values[values < 0.0]
    return known(float(losses.mean())) if len(losses) else undefined("no losing trade")


def payoff_ratio(pnl: Values) -> Figure:
    """Return the average win over the size of the average loss.

    Args:
        pnl: Profit or loss of each closed trade after fees, float64[n].
    """
    win, loss = average_win(pnl), average_loss(pnl)
    if win.value is None:
        return win
    if loss.value is None:
        return loss
    return known(win.value / -loss.value)


def expectancy(pnl: Values) -> Figure:
    """Return the mean result of a trade.

    Args:
        pnl: Profit or loss of each closed trade after fees, float64[n].
    """
    values = column(pnl)
    return known(float(values.mean())) if len(values) else undefined(NO_TRADES)


def sqn(values: Values) -> Figure:
    """Return Tharp's system quality number of R-multiples or P&L: sqrt(min(N, 100)) * mean / sample deviation.

    Source: Van K. Tharp, Trade Your Way to Financial Freedom, 1998.

    Args:
        values: R-multiples, or profit or loss, of each closed trade, float64[n].
    """
    numbers = column(values)
    if len(numbers) < 2:
        return undefined(f"{len(numbers)} closed trades, needs at least 2")
    deviation = float(numbers.std(ddof=1))
    if deviation <= 1e-15 * float(np.abs(numbers).max()):
        return undefined("all trades made the same")
    return known(math.sqrt(min(len(numbers), SQN_CAP)) * float(numbers.mean()) / deviation)


def kelly_fraction(pnl: Values) -> Figure:
    """Return the full Kelly share at risk of these trades; below zero means do not bet.

    Args:
        pnl: Profit or loss of each closed trade after fees, float64[n].
    """
    values = column(pnl)
    if not len(values):
        return undefined(NO_TRADES)
    wins, losses = values[values > 0.0], values[values < 0.0]
    return kelly_of_trades(len(wins), len(losses), len(values), float(wins.sum()), float(losses.sum()))


def r_multiples(trades: TradeColumns) -> Floats | None:
    """Return the R-multiples of all trades, or None unless every trade had a stop.

    Args:
        trades: The closed trades.
    """
    return None if not len(trades) or np.isnan(trades.r_multiple).any() else trades.r_multiple


def longest_run(flags: Sequence[bool]) -> int:
    """Return the length of the longest run of True.

    Args:
        flags: Such as whether each trade lost, in order.
    """
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        if run > longest:
            longest = run
    return longest
