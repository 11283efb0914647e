"""Parses a signal with the field names of our own API, the guide or TradingView."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from seatrial_core import field_messages
from seatrial_core.characters import printable
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Signal
from seatrial_core.errors import FieldError, ValidationFailed, field_error
from seatrial_core.quoting import quote
from seatrial_trading.quant import sizing

ACTIONS = "buy, sell, close, short, cover or hold"
# Accepted names of each field, ours first; the first that is present counts. TradingView's `order_id` is a label that
# repeats from order to order ("Long"), so it identifies no order and is not accepted.
FIELD_NAMES: Mapping[str, tuple[str, ...]] = {
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
MAX_ERRORS = 100
MAX_NAME = 64
SYNONYMS = {"long": "buy", "exit": "close", "flat": "close", "none": "hold"}
NUMBERS = ("price", "quantity", "stop_loss", "take_profit")


def read(fields: Mapping[str, Any], *, strict: bool = False) -> Signal:
    """Return the signal in `fields`.

    Args:
        fields: Names and values as received; numbers may be text.
        strict: Whether to refuse unknown fields instead of ignoring them.

    Raises:
        ValidationFailed: A field is refused; the message names it, its value and what is allowed.
    """
    if not isinstance(fields, Mapping):
        raise field_error("signal", quote(fields), "an object with symbol and action")
    if strict:
        _refuse_unknown(fields)
    values = {name: value for name, names in FIELD_NAMES.items() if (value := _first(fields, names)) is not None}
    if isinstance(values.get("action"), str):
        action = values["action"].strip().lower()
        values["action"] = SYNONYMS.get(action, action)
    if str(fields.get("market_position", "")).lower() == "flat" and values.get("action") in {"buy", "sell"}:
        values["action"] = "close"  # TradingView closes with an order and a market position of flat
    try:
        signal = Signal.model_validate(values)
    except ValidationError as error:
        raise _refused(error) from error
    if signal.size is not None:
        sizing.parse(signal.size)
    if signal.environment is Environment.REPLAY:
        raise field_error("environment", "replay", "live, paper or stress; replays have /v1/replays")
    return signal


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:  # Any: not yet validated
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "":
            continue
        if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            raise field_error(name, quote(value), "a finite number" if name in NUMBERS else "a text")
        return value
    return None


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    accepted = {name for names in FIELD_NAMES.values() for name in names} | {"market_position"}
    unknown = sorted(key for key in fields if key not in accepted)
    if unknown:
        allowed = f"one of {', '.join(FIELD_NAMES)}"
        shown = [printable(name[:MAX_NAME]) for name in unknown]
        sentences = [f"`{name}` is not known here" for name in shown]
        errors = [FieldError(name, quote(fields[key]), allowed) for name, key in zip(shown, unknown, strict=True)]
        detail = f"{field_messages.join(sentences, len(sentences))}; a signal has {', '.join(FIELD_NAMES)}"
        raise ValidationFailed(detail, errors=errors[:MAX_ERRORS])


def _refused(error: ValidationError) -> ValidationFailed:
    problems, sentences = [], []
    for item in error.errors(include_url=False):
        name = ".".join(str(part) for part in item["loc"]) or "signal"
        allowed = ACTIONS if name == "action" else "a number above 0" if name in NUMBERS else item["msg"]
        value = None if item["type"] == "missing" else quote(item.get("input"))
        is_missing = item["type"] == "missing"
        problems.append(FieldError(name, value, field_messages.allowed(item) if is_missing else allowed))
        missing = field_messages.describe(name, value, item)
        sentences.append(missing if is_missing else f"`{name}` was {value!r}; allowed: {allowed}")
    return ValidationFailed(field_messages.join(sentences, len(sentences)), errors=problems)
