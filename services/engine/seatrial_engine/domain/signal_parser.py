"""Reads a signal in the words of our own API, the guide or TradingView, and says which field is wrong."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Signal
from seatrial_core.errors import FieldError, ValidationFailed, field_error
from seatrial_trading.quant import sizing

ACTIONS = "buy, sell, close, short, cover or hold"
# The words of others, each after ours; the first that is there counts. TradingView's own `order_id` is a label that
# repeats from order to order ("Long"), so it identifies nothing and is left out on purpose.
WORDS: Mapping[str, tuple[str, ...]] = {
    "symbol": ("symbol", "ticker", "pair"),
    "action": ("action", "order_action", "direction", "side"),
    "strategy": ("strategy", "strategy_name"),
    "account": ("account",),
    "client_order_id": ("client_order_id", "clientOrderId"),
    "price": ("price", "signalPrice", "close"),
    "quantity": ("quantity", "contracts", "qty"),
    "stop_loss": ("stop_loss", "stopLoss", "sl"),
    "take_profit": ("take_profit", "takeProfit", "tp"),
    "size": ("size",),
    "environment": ("environment",),
}
SYNONYMS = {"long": "buy", "exit": "close", "flat": "close", "none": "hold"}
NUMBERS = ("price", "quantity", "stop_loss", "take_profit")
MAX_QUOTE = 100


def read(fields: Mapping[str, Any], *, strict: bool = False) -> Signal:
    """Return the signal that `fields` say.

    Args:
        fields: Keys and values as they came; numbers may be texts.
        strict: Refuse keys that no signal has, instead of passing over them.

    Raises:
        ValidationFailed: Naming each refused field, what was found and what is allowed.
    """
    if not isinstance(fields, Mapping):
        raise field_error("signal", _quote(fields), "an object with symbol and action")
    if strict:
        _refuse_unknown(fields)
    values = {name: found for name, words in WORDS.items() if (found := _first(fields, words)) is not None}
    if isinstance(values.get("action"), str):
        action = values["action"].strip().lower()
        values["action"] = SYNONYMS.get(action, action)
    if str(fields.get("market_position", "")).lower() == "flat" and values.get("action") in {"buy", "sell"}:
        values["action"] = "close"  # TradingView says sell, and flat afterwards, when it means close
    try:
        signal = Signal.model_validate(values)
    except ValidationError as error:
        raise _refused(error) from error
    if signal.size is not None:
        sizing.parse(signal.size)
    if signal.environment is Environment.REPLAY:
        raise field_error("environment", "replay", "live, paper or stress; replays have /v1/replays")
    return signal


def _first(fields: Mapping[str, Any], words: tuple[str, ...]) -> Any:  # Any: not yet validated
    for word in words:
        found = fields.get(word)
        if isinstance(found, str):
            found = found.strip()
        if found is None or found == "":
            continue
        if isinstance(found, bool) or (isinstance(found, float) and not math.isfinite(found)):
            raise field_error(word, _quote(found), "a finite number" if word in NUMBERS else "a text")
        return found
    return None


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    known = {word for words in WORDS.values() for word in words} | {"market_position"}
    unknown = sorted(str(key) for key in fields if key not in known)
    if unknown:
        raise field_error(unknown[0], _quote(fields[unknown[0]]), f"one of {', '.join(WORDS)}")


def _refused(error: ValidationError) -> ValidationFailed:
    problems = []
    for item in error.errors(include_url=False):
        name = ".".join(str(part) for part in item["loc"]) or "signal"
        allowed = ACTIONS if name == "action" else "a number above 0" if name in NUMBERS else item["msg"]
        found = None if item["type"] == "missing" else _quote(item.get("input"))
        problems.append(FieldError(name, found, f"{allowed} (needed)" if item["type"] == "missing" else allowed))
    first = problems[0]
    return ValidationFailed(f"`{first.field}` was {first.value!r}; allowed: {first.allowed}", errors=problems)


def _quote(value: object) -> object:
    if isinstance(value, bool | int | None):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "..."
