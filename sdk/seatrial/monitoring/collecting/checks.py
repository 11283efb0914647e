"""What a recorded value must be; a bad one is dropped with a reason and never raises at the caller."""

from decimal import Decimal, InvalidOperation
from math import isfinite

LONGEST_TEXT = 128
MOST_SECONDS = 86_400.0 * 366
MOST_DIGITS = 40
SMALLEST_EXPONENT, LARGEST_EXPONENT = -18, 20


class Dropped(Exception):
    """A value that cannot be recorded; `reason` is the label it is counted under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def text(value: object) -> str:
    """Return a label, or raise Dropped: it must be printable text of 1 to 128 characters."""
    if not isinstance(value, str):
        raise Dropped("none" if value is None else "wrong_type")
    if not value:
        raise Dropped("empty")
    if len(value) > LONGEST_TEXT:
        raise Dropped("too_long")
    if not value.isprintable():
        raise Dropped("not_printable")
    return str(value)


def seconds(value: object) -> float:
    """Return a duration in seconds, or raise Dropped: a finite number from 0 to a year."""
    number = _number(value)
    if number < 0:
        raise Dropped("negative")
    if number > MOST_SECONDS:
        raise Dropped("too_large")
    return number


def percent(value: object) -> float:
    """Return a percentage from 0 to 100, or raise Dropped."""
    number = _number(value)
    if number < 0:
        raise Dropped("negative")
    if number > 100:
        raise Dropped("too_large")
    return number


def money(value: object) -> str | None:
    """Return an amount as decimal text (None stays None: not known), or raise Dropped; it may be negative."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        value = _number(value)
    try:
        amount = (
            value if isinstance(value, Decimal) else Decimal(repr(float(value)) if isinstance(value, float) else value)
        )
    except InvalidOperation:
        raise Dropped("wrong_type") from None
    if not amount.is_finite():
        raise Dropped("nan" if amount.is_nan() else "infinite")
    if amount and not SMALLEST_EXPONENT <= amount.adjusted() <= LARGEST_EXPONENT:
        raise Dropped("too_large" if amount.adjusted() > 0 else "too_small")
    if len(amount.as_tuple().digits) > MOST_DIGITS:
        raise Dropped("too_precise")
    return str(amount)


def amount(value: object) -> str | None:
    """Return a quantity or price as decimal text (None stays None), or raise Dropped; it is never negative."""
    checked = money(value)
    if checked is not None and checked.startswith("-"):
        raise Dropped("negative")
    return checked


def _number(value: object) -> float:
    if value is None:
        raise Dropped("none")
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise Dropped("wrong_type")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Dropped("wrong_type") from None
    if not isfinite(number):
        raise Dropped("nan" if number != number else "infinite")
    return number
