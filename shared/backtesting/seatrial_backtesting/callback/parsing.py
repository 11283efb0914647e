"""Parses the answer of a callback into one decision with its order, or the reason why it is not accepted."""

import math
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from seatrial_trading.matching.layout import OrderKind, SizeKind

Answer = Mapping[Any, Any]  # Any: keys and values come from the strategy


class CallbackAction(IntEnum):
    """The actions of a callback."""

    BUY = 1  # opens long; closes a short
    SELL = 2  # closes a long; opens short where that is allowed
    CLOSE = 3
    SHORT = 4
    COVER = 5
    CANCEL = 6  # cancels a pending entry order


ACTIONS = {action.name.lower(): action for action in CallbackAction}
ENTRIES = (CallbackAction.BUY, CallbackAction.SELL, CallbackAction.SHORT)
ORDER_KINDS = {kind.name.lower(): kind for kind in OrderKind}
SIZES = {"quantity": SizeKind.FIXED, "size_pct": SizeKind.EQUITY, "risk_pct": SizeKind.RISK}
STOPS = ("stop_loss", "take_profit", "trailing", "stop_loss_pct", "take_profit_pct", "trailing_pct")
PRICES = ("limit_price", "stop_price")
REQUIRED_PRICES = {
    OrderKind.MARKET: (),
    OrderKind.LIMIT: ("limit_price",),
    OrderKind.STOP: ("stop_price",),
    OrderKind.STOP_LIMIT: PRICES,
}
ORDER_KEYS = ("order_type", *PRICES, "expires_bars")
KNOWN_KEYS = ("symbol", "action", *SIZES, *ORDER_KEYS, *STOPS, "tag", "reason")
_KNOWN_KEYS, _ORDER_KEYS, _SIZE_KEYS = frozenset(KNOWN_KEYS), frozenset(ORDER_KEYS), frozenset(SIZES)
_STOPS_BEYOND_PRICES = frozenset(STOPS) - {"stop_loss", "take_profit"}
MAX_EXPIRES_BARS = 1_000_000_000
# What stop loss, take profit and trailing stop refer to: the bases of the kernel.
OF_FILL, PRICE, PRICE_BUT_TRAIL = 0, 1, 2


class RefusedAnswer(ValueError):
    """An answer that is not accepted.

    Args:
        field: The key with the invalid value.
        text: The value and what is allowed.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class CallbackDecision(NamedTuple):
    """A parsed decision; NaN for keys that were not given."""

    action: int
    stop_loss: float = math.nan
    take_profit: float = math.nan
    trailing: float = math.nan
    base: int = PRICE
    kind: int = 0
    limit_price: float = math.nan
    stop_price: float = math.nan
    expires_bars: int = 0
    size_kind: int = 0
    size: float = math.nan


def parse_answer(answer: object, symbol: str, close: float) -> CallbackDecision | None:
    """Parse an answer; None for `hold`.

    Args:
        answer: What the callback returned, not None.
        symbol: Symbol of the run.
        close: The last close, against which the stops of a market order are checked.

    Raises:
        RefusedAnswer: The answer is not accepted.
    """
    if not isinstance(answer, Mapping):
        raise RefusedAnswer("answer", f"the answer was {type(answer).__name__}; allowed: None or a dict")
    if not _KNOWN_KEYS.issuperset(answer):
        unknown = ", ".join(str(key) for key in answer if key not in _KNOWN_KEYS)
        raise RefusedAnswer("key", f"unknown key {unknown}; allowed: {', '.join(KNOWN_KEYS)}")
    if answer.get("symbol", symbol) != symbol:
        raise RefusedAnswer("symbol", f"symbol was {answer['symbol']!r}; this run trades {symbol!r}")
    name = str(answer.get("action", "")).lower()
    if name == "hold":
        return None
    if name not in ACTIONS:
        raise RefusedAnswer("action", f"action was {answer.get('action')!r}; allowed: {', '.join(ACTIONS)}, hold")
    action = ACTIONS[name]
    if action not in ENTRIES:
        _check_no_order(answer, name)
    side = -1.0 if action == CallbackAction.SHORT else 1.0 if action == CallbackAction.BUY else 0.0
    kind, limit, trigger, wait = _order(answer)
    stop, target, trail, base = _stops(answer, side)
    if base != OF_FILL:
        reference = (close, limit, trigger, limit)[kind]
        basis = ("decision close", "limit price", "stop price", "limit price")[kind]
        _check_sides(side, stop, target, reference, basis)
    size_kind, size = _size(answer)
    return CallbackDecision(action, stop, target, trail, base, kind, limit, trigger, wait, size_kind, size)


def _check_no_order(answer: Answer, name: str) -> None:
    for key in (*ORDER_KEYS, *STOPS, "size_pct", "risk_pct"):
        if answer.get(key) is not None:
            raise RefusedAnswer(key, f"{key} was {answer[key]!r}; allowed: nothing, {name} takes no {key}")


def _order(answer: Answer) -> tuple[int, float, float, int]:
    if _ORDER_KEYS.isdisjoint(answer):
        return OrderKind.MARKET, math.nan, math.nan, 0
    order_type = answer.get("order_type")
    name = "market" if order_type is None else str(order_type).lower()
    if name not in ORDER_KINDS:
        raise RefusedAnswer("order_type", f"order_type was {order_type!r}; allowed: {', '.join(ORDER_KINDS)}")
    kind = ORDER_KINDS[name]
    for key in PRICES:
        value = answer.get(key)
        if value is None and key in REQUIRED_PRICES[kind]:
            raise RefusedAnswer(key, f"{key} was None; a {name} order needs a price above 0")
        if value is not None and key not in REQUIRED_PRICES[kind]:
            raise RefusedAnswer(key, f"{key} was {value!r}; allowed: nothing, a {name} order takes no {key}")
    expires_bars = answer.get("expires_bars")
    if expires_bars is None:
        return kind, _number(answer, "limit_price"), _number(answer, "stop_price"), 0
    bars = _number(answer, "expires_bars", MAX_EXPIRES_BARS)
    if kind == OrderKind.MARKET or bars != int(bars):
        raise RefusedAnswer(
            "expires_bars",
            f"expires_bars was {expires_bars!r}; allowed: a whole number from 1, and only with order_type limit, stop "
            "or stop_limit",
        )
    return kind, _number(answer, "limit_price"), _number(answer, "stop_price"), int(bars)


def _stops(answer: Answer, side: float) -> tuple[float, float, float, int]:
    if _STOPS_BEYOND_PRICES.isdisjoint(answer):
        return _number(answer, "stop_loss"), _number(answer, "take_profit"), math.nan, PRICE
    for key in ("stop_loss", "take_profit", "trailing"):
        ratio_key = f"{key}_pct"
        if answer.get(key) is not None and answer.get(ratio_key) is not None:
            raise RefusedAnswer(ratio_key, f"{ratio_key} was {answer[ratio_key]!r}; allowed: {key} or {ratio_key}")
    stop, target, trail = (_number(answer, key) for key in ("stop_loss", "take_profit", "trailing"))
    # A long position cannot lose more than 100 %, a short position cannot gain more.
    stop_ratio = _number(answer, "stop_loss_pct", 10.0 if side < 0 else 1.0)
    target_ratio = _number(answer, "take_profit_pct", 10.0 if side > 0 else 1.0)
    trail_ratio = _number(answer, "trailing_pct", 1.0)
    has_price = not (math.isnan(stop) and math.isnan(target))
    for key, ratio in (("stop_loss_pct", stop_ratio), ("take_profit_pct", target_ratio)):
        if not math.isnan(ratio) and (has_price or not math.isnan(trail)):
            raise RefusedAnswer(
                key, f"{key} was {answer[key]!r}; allowed: stop loss and take profit both as prices or both as ratios"
            )
    if not math.isnan(trail):
        return stop, target, trail, PRICE
    if has_price:
        return stop, target, trail_ratio, PRICE if math.isnan(trail_ratio) else PRICE_BUT_TRAIL
    return stop_ratio, target_ratio, trail_ratio, OF_FILL


def _check_sides(side: float, stop: float, target: float, reference: float, basis: str) -> None:
    if (stop - reference) * side > 0.0 or (side and stop == reference):
        raise RefusedAnswer("stop_loss", f"stop_loss {stop!r} is on the wrong side of the {basis} {reference!r}")
    if (target - reference) * side < 0.0 or (side and target == reference):
        raise RefusedAnswer("take_profit", f"take_profit {target!r} is on the wrong side of the {basis} {reference!r}")


def _size(answer: Answer) -> tuple[int, float]:
    if _SIZE_KEYS.isdisjoint(answer):
        return 0, math.nan
    named = [key for key in SIZES if answer.get(key) is not None]
    if not named:
        return 0, math.nan
    if len(named) > 1:
        raise RefusedAnswer(named[1], f"{named[1]} was {answer[named[1]]!r}; allowed: one of {', '.join(SIZES)}")
    key = named[0]
    return SIZES[key], _number(answer, key, math.inf if key == "quantity" else 1.0)


def _number(answer: Answer, key: str, maximum: float = math.inf) -> float:
    value = answer.get(key)
    if value is None:
        return math.nan
    if type(value) is float and 0.0 < value <= maximum and value < math.inf:
        return value
    try:
        number = math.inf if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.inf
    if not (math.isfinite(number) and 0.0 < number <= maximum):
        upper = "" if math.isinf(maximum) else f" and at most {maximum:g}"
        raise RefusedAnswer(key, f"{key} was {value!r}; allowed: a finite number above 0{upper}")
    return number
