"""Position sizing rules: `fixed:10 | notional:1000 | equity:1.0 | risk:0.01 | kelly:0.5 | vol:0.1`."""

import math
from dataclasses import dataclass
from enum import StrEnum

from seatrial_core.errors import field_error
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_trading.quant.kelly import applied_fraction, kelly_of_trades


class SizingKind(StrEnum):
    """Meaning of the number of a sizing rule."""

    FIXED = "fixed"  # units of the asset
    NOTIONAL = "notional"  # quote currency
    EQUITY = "equity"  # share of the equity that is invested
    RISK = "risk"  # share of the equity that is lost at the stop
    KELLY = "kelly"  # share of the full Kelly fraction, which is a share at risk
    VOL = "vol"  # target yearly volatility of the position


ALLOWED = "fixed:UNITS, notional:MONEY, equity:RATIO, risk:RATIO, kelly:FRACTION[:CAP] or vol:RATIO, as in `equity:1.0`"
HIGHEST = {
    SizingKind.FIXED: 1e15,
    SizingKind.NOTIONAL: 1e15,
    SizingKind.EQUITY: 1.0,
    SizingKind.RISK: 1.0,
    SizingKind.KELLY: 1.0,
    SizingKind.VOL: 10.0,
}


@dataclass(frozen=True)
class Sizing:
    """A sizing rule; `cap`, `minimum_trades` and `fallback_risk` are used by Kelly only.

    Until `minimum_trades` have closed, and while Kelly is undefined, `fallback_risk` is the share of equity at risk.
    """

    kind: SizingKind
    value: float
    cap: float = 0.25
    minimum_trades: int = 30
    fallback_risk: float = 0.01

    def __str__(self) -> str:
        cap = f":{self.cap!r}" if self.kind is SizingKind.KELLY and self.cap != 0.25 else ""
        return f"{self.kind.value}:{self.value!r}{cap}"


@dataclass(frozen=True)
class TradeStatistics:
    """Statistics of the trades closed before a decision; sums of net returns on notional, losses negative."""

    closed: int = 0
    wins: int = 0
    losses: int = 0
    gain_ratios: float = 0.0
    loss_ratios: float = 0.0


@dataclass(frozen=True)
class Situation:
    """Account and market when a position is sized; stop and yearly volatility are optional."""

    equity: float
    price: float
    stop_price: float | None = None
    volatility_ratio: float | None = None
    history: TradeStatistics = TradeStatistics()


def parse(text: str, field: str = "size") -> Sizing:
    """Return the sizing rule of a text like `equity:1.0`.

    Raises:
        ValidationFailed: The text is not a sizing; names the field, its value and what is allowed.

    Example:
        >>> parse("risk:0.01").value
        0.01
    """
    parts = str(text).strip().split(":")
    kind = next((item for item in SizingKind if item.value == parts[0]), None)
    most = 3 if kind is SizingKind.KELLY else 2
    numbers = [_number(part) for part in parts[1:]]
    if kind is None or not 2 <= len(parts) <= most or None in numbers:
        raise field_error(field, text, ALLOWED)
    value, *rest = [number for number in numbers if number is not None]
    if not 0.0 < value <= HIGHEST[kind]:
        raise field_error(field, text, f"{kind.value}: above 0, at most {HIGHEST[kind]:g}")
    cap = rest[0] if rest else 0.25
    if not 0.0 < cap <= 1.0:
        raise field_error(field, text, "a Kelly cap above 0, at most 1")
    return Sizing(kind=kind, value=value, cap=cap)


def quantity(sizing: Sizing, situation: Situation) -> Figure:
    """Return the number of units before rounding to lots, fees and buying power; undefined means no trade.

    Args:
        sizing: The sizing rule.
        situation: The account and the market at the decision.
    """
    if not situation.price > 0.0 or not situation.equity > 0.0:
        return undefined("needs a price and an equity above zero")
    match sizing.kind:
        case SizingKind.FIXED:
            return known(sizing.value)
        case SizingKind.NOTIONAL:
            return known(sizing.value / situation.price)
        case SizingKind.EQUITY:
            return known(sizing.value * situation.equity / situation.price)
        case SizingKind.RISK:
            return _at_risk(sizing.value, situation)
        case SizingKind.KELLY:
            return _by_kelly(sizing, situation)
        case SizingKind.VOL:
            return _by_volatility(sizing.value, situation)


def kelly_share(sizing: Sizing, history: TradeStatistics) -> Figure:
    """Return the share of equity that Kelly sizing puts at risk; 0 when the history says not to bet.

    Args:
        sizing: A sizing rule of kind Kelly.
        history: Statistics of the trades closed before the decision.
    """
    if history.closed < sizing.minimum_trades:
        return known(sizing.fallback_risk)
    full = kelly_of_trades(history.wins, history.losses, history.closed, history.gain_ratios, history.loss_ratios)
    if full.value is None:
        # Without a win there is nothing to bet on; without a loss Kelly would bet everything.
        return known(sizing.fallback_risk if history.wins else 0.0)
    return known(applied_fraction(full.value, sizing.value, sizing.cap))


def _by_kelly(sizing: Sizing, situation: Situation) -> Figure:
    share = kelly_share(sizing, situation.history).or_zero()
    if share <= 0.0:
        return undefined("Kelly is not above zero: the closed trades lose in the long run")
    return _at_risk(share, situation)


def _at_risk(share: float, situation: Situation) -> Figure:
    loss_per_unit = _loss_per_unit(situation)
    if loss_per_unit <= 0.0:
        return undefined("needs a stop away from the price, or closed losing trades")
    return known(share * situation.equity / loss_per_unit)


def _loss_per_unit(situation: Situation) -> float:
    if situation.stop_price is not None and math.isfinite(situation.stop_price):
        return abs(situation.price - situation.stop_price)
    history = situation.history
    return abs(history.loss_ratios) / history.losses * situation.price if history.losses else 0.0


def _by_volatility(target: float, situation: Situation) -> Figure:
    volatility = situation.volatility_ratio
    if volatility is None or not volatility > 0.0:
        return undefined("needs a known volatility above zero")
    return known(target / volatility * situation.equity / situation.price)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
