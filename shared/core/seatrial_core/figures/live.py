"""Figures of a running engine from sums and counts, in plain Python so that services need no numpy for them."""

from decimal import Decimal
from typing import TypeVar

from seatrial_core.figures.figure import Figure, known, undefined

Number = Decimal | float | int
Amount = TypeVar("Amount", float, Decimal)


def drawdown_ratio(equity: Number, peak: Number) -> Figure:
    """Return the drawdown of `equity` from its `peak`: 0 at the peak, 0.25 a quarter below, above 1 if negative.

    Args:
        equity: The account value, in quote currency.
        peak: The highest account value so far; undefined unless above 0.
    """
    if not peak > 0:
        return undefined("there has been no equity above zero yet")
    return known(max(1.0 - float(equity) / float(peak), 0.0))  # this order keeps a NaN


def win_rate_ratio(wins: int, closed: int, minimum: int = 1) -> Figure:
    """Return winning over closed trades, 0 to 1; a trade with zero profit is closed but not won.

    Args:
        wins: Number of closed trades with a profit.
        closed: Number of closed trades.
        minimum: Number of closed trades below which the ratio is undefined.
    """
    if closed < max(minimum, 1):
        return undefined(f"{closed} closed trades, needs at least {max(minimum, 1)}")
    return known(wins / closed)


def session_loss_ratio(session_pnl: Number, start_equity: Number) -> Figure:
    """Return the session's loss over the equity at its start; 0 without a loss.

    Args:
        session_pnl: Profit or loss of the session, in quote currency.
        start_equity: The account value at the start of the session; undefined unless above 0.
    """
    loss = session_loss(float(session_pnl), float(start_equity))
    return undefined("the session began without equity") if loss is None else known(loss)


def session_loss(session_pnl: Amount, start_equity: Amount) -> Amount | None:
    """Return the session's loss ratio in the arithmetic of its arguments, or None without equity at the start.

    Args:
        session_pnl: Profit or loss since the session started, in account currency.
        start_equity: Equity at the start of the session, in the same currency.
    """
    if not start_equity > 0:
        return None
    return max(-session_pnl / start_equity, type(start_equity)(0))


def error_ratio(errors: int, failed_calls: int, trades: int, api_calls: int, minimum: int = 20) -> Figure:
    """Return (errors + failed calls) / (trades + calls + errors) once there are at least `minimum` of them.

    Args:
        errors: Number of errors.
        failed_calls: Number of API calls that failed.
        trades: Number of trades.
        api_calls: Number of API calls.
        minimum: Number of trades, calls and errors below which the ratio is undefined.
    """
    total = trades + api_calls + errors
    if total < max(minimum, 1):
        return undefined(f"{total} trades, calls and errors, needs at least {max(minimum, 1)}")
    return known((errors + failed_calls) / total)


def loss_ratio(equity: Number, reference: Number) -> Figure:
    """Return the loss of `equity` against a reference equity as a ratio; 0 without a loss.

    Args:
        equity: The account value, in account currency.
        reference: The account value without profit or loss; undefined unless above 0.
    """
    if not reference > 0:
        return undefined("the session began without equity")
    return known(max(1.0 - float(equity) / float(reference), 0.0))  # this order keeps a NaN


def growth_ratio(equity: Number, reference: Number) -> Figure:
    """Return equity over a reference equity: 1 without a profit or loss.

    Args:
        equity: The account value, in account currency.
        reference: The account value without profit or loss; undefined unless above 0.
    """
    if not reference > 0:
        return undefined("there has been no capital yet")
    return known(float(equity) / float(reference))


def profit_factor(gains: Number, losses: Number) -> Figure:
    """Return summed wins over summed losses, in net currency; `losses` may have either sign.

    Args:
        gains: Sum of the profits, in quote currency.
        losses: Sum of the losses, in quote currency; the sign does not matter.
    """
    if float(losses) == 0.0:
        return undefined("no losing trade")
    return known(float(gains) / abs(float(losses)))


def open_risk_ratio(risk_at_stop: Number, equity: Number) -> Figure:
    """Return the loss if every stop were hit now, over the equity.

    Args:
        risk_at_stop: Loss of all open positions at their stops, in quote currency.
        equity: The account value, in quote currency.
    """
    if not equity > 0:
        return undefined("there is no equity")
    return known(float(risk_at_stop) / float(equity))
