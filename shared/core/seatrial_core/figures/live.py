"""The figures of a running engine, from sums and counts; plain Python, so that services need no numpy for them."""

from decimal import Decimal

from seatrial_core.figures.figure import Figure, known, undefined

Number = Decimal | float | int


def drawdown_ratio(equity: Number, peak: Number) -> Figure:
    """Return how far `equity` stands under its `peak`: 0 at the peak, 0.25 a quarter below, 1 when all is lost."""
    if not peak > 0:
        return undefined("there has been no equity above zero yet")
    return known(max(1.0 - float(equity) / float(peak), 0.0))  # this order keeps a NaN


def win_rate_ratio(wins: int, closed: int, minimum: int = 1) -> Figure:
    """Return winning over closed trades; a trade that ends at zero is closed but no win."""
    if closed < max(minimum, 1):
        return undefined(f"{closed} closed trades, needs at least {max(minimum, 1)}")
    return known(wins / closed)


def session_loss_ratio(session_pnl: Number, start_equity: Number) -> Figure:
    """Return the session's loss over the equity at its start; 0 while the session has gained."""
    if not start_equity > 0:
        return undefined("the session began without equity")
    return known(max(-float(session_pnl) / float(start_equity), 0.0))


def error_ratio(errors: int, failed_calls: int, trades: int, api_calls: int, minimum: int = 20) -> Figure:
    """Return (errors + failed calls) / (trades + calls + errors) once there are at least `minimum` of them."""
    total = trades + api_calls + errors
    if total < max(minimum, 1):
        return undefined(f"{total} trades, calls and errors, needs at least {max(minimum, 1)}")
    return known((errors + failed_calls) / total)


def profit_factor(gains: Number, losses: Number) -> Figure:
    """Return summed wins over summed losses, in net currency; `losses` may have either sign."""
    if float(losses) == 0.0:
        return undefined("no losing trade")
    return known(float(gains) / abs(float(losses)))


def open_risk_ratio(risk_at_stop: Number, equity: Number) -> Figure:
    """Return what would be lost if every stop were hit now, over the equity."""
    if not equity > 0:
        return undefined("there is no equity")
    return known(float(risk_at_stop) / float(equity))
