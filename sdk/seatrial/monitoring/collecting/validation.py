"""Validates recorded values; an invalid value is dropped with a reason and never raises in the caller's code."""

from decimal import Decimal, InvalidOperation
from math import isfinite

MAX_TEXT = 128
MAX_SECONDS = 86_400.0 * 366
MAX_DIGITS = 40
MIN_EXPONENT, MAX_EXPONENT = -18, 20


class DroppedValue(Exception):
    """A value that cannot be recorded; `reason` is the label it is counted under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def text(value: object) -> str:
    """Return a label, or raise DroppedValue: it must be printable text of 1 to 128 characters."""
    if not isinstance(value, str):
        raise DroppedValue("none" if value is None else "wrong_type")
    if not value:
        raise DroppedValue("empty")
    if len(value) > MAX_TEXT:
        raise DroppedValue("too_long")
    if not value.isprintable():
        raise DroppedValue("not_printable")
    return str(value)


def seconds(value: object) -> float:
    """Return a duration in seconds, or raise DroppedValue: a finite number from 0 to a year."""
    number = _number(value)
    if number < 0:
        raise DroppedValue("negative")
    if number > MAX_SECONDS:
        raise DroppedValue("too_large")
    return number


def percent(value: object) -> float:
    """Return a percentage from 0 to 100, or raise DroppedValue."""
    number = _number(value)
    if number < 0:
        raise DroppedValue("negative")
    if number > 100:
        raise DroppedValue("too_large")
    return number


def money(value: object) -> str | None:
    """Return an amount as decimal text (None stays None), or raise DroppedValue; it may be negative."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        value = _number(value)
    try:
        amount = (
            value if isinstance(value, Decimal) else Decimal(repr(float(value)) if isinstance(value, float) else value)
        )
    except InvalidOperation:
        raise DroppedValue("wrong_type") from None
    if not amount.is_finite():
        raise DroppedValue("nan" if amount.is_nan() else "infinite")
    if amount and not MIN_EXPONENT <= amount.adjusted() <= MAX_EXPONENT:
        raise DroppedValue("too_large" if amount.adjusted() > 0 else "too_small")
    if len(amount.as_tuple().digits) > MAX_DIGITS:
        raise DroppedValue("too_precise")
    return str(amount)


def amount(value: object) -> str | None:
    """Return a quantity or price as decimal text (None stays None), or raise DroppedValue; it must not be negative."""
    checked = money(value)
    if checked is not None and checked.startswith("-"):
        raise DroppedValue("negative")
    return checked


def _number(value: object) -> float:
    if value is None:
        raise DroppedValue("none")
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise DroppedValue("wrong_type")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise DroppedValue("wrong_type") from None
    if not isfinite(number):
        raise DroppedValue("nan" if number != number else "infinite")
    return number
