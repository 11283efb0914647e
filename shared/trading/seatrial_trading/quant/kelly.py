"""The Kelly criterion: which share of the equity to put at risk, from trades that have already closed.

The share is of what is lost when the trade loses, never of the notional (Kelly 1956).
"""

from seatrial_core.errors import field_error
from seatrial_core.figures.figure import Figure, known, undefined

HARD_CAP = 1.0


def kelly(win_rate: float, payoff: float) -> Figure:
    """Return the Kelly fraction W - (1 - W) / R (Kelly 1956); below zero the bet loses in the long run.

    Args:
        win_rate: W, 0 to 1.
        payoff: R, average win over average loss; undefined unless above 0.
    """
    if not 0.0 <= win_rate <= 1.0:
        raise field_error("win_rate", win_rate, "a ratio from 0 to 1")
    if not payoff > 0.0:
        return undefined("the payoff ratio is not above zero")
    return known(win_rate - (1.0 - win_rate) / payoff)


def kelly_of_trades(wins: int, losses: int, closed: int, gains: float, losses_sum: float) -> Figure:
    """Return the Kelly fraction of closed trades; `gains` and `losses_sum` are summed in currency or ratios.

    Args:
        wins: Number of trades with a profit.
        losses: Number of trades with a loss.
        closed: Number of all closed trades.
        gains: Sum of the profits, in currency or as ratios.
        losses_sum: Sum of the losses, in the unit of `gains`; the sign does not matter.
    """
    if wins == 0 or gains <= 0.0:
        return undefined("no winning trade")
    if losses == 0 or losses_sum == 0.0:
        return undefined("no losing trade")
    return kelly(wins / closed, (gains / wins) / (abs(losses_sum) / losses))


def applied_fraction(full: float, fraction: float = 0.5, cap: float = 0.25) -> float:
    """Return the share to risk: `fraction` of the full Kelly, never below 0 nor above `cap` (itself at most 1).

    Args:
        full: The full Kelly fraction.
        fraction: Share of it that is used, such as 0.5 for half Kelly.
        cap: Highest share to risk, 0 to 1.
    """
    return min(max(fraction * full, 0.0), min(cap, HARD_CAP))


def kelly_leverage(mean: float, variance: float) -> Figure:
    """Return mean / variance of per-period returns: the leverage of continuous Kelly (Thorp 2006), not `kelly`.

    Args:
        mean: Mean of the excess returns per period.
        variance: Their variance per period; undefined unless above 0.
    """
    return known(mean / variance) if variance > 0.0 else undefined("the returns do not vary")
