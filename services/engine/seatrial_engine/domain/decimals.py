"""Rounding and formatting of decimal amounts."""

from decimal import ROUND_DOWN, Decimal

from seatrial_core.decimals import EXACT

ZERO = Decimal(0)
STEP = Decimal("1e-8")
WIRE_STEP = Decimal("1e-12")
BASIS_POINT = Decimal("1e-4")


def rounded_down(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`; a step of 0 is 1e-8."""
    unit = step or STEP
    return (value / unit).to_integral_value(rounding=ROUND_DOWN) * unit


def rounded(value: Decimal) -> Decimal:
    """Return money rounded to 1e-8, the precision of fees and slipped prices."""
    return value.quantize(STEP, context=EXACT)


def of_float(value: float) -> Decimal:
    """Return the decimal of a float's shortest representation."""
    return Decimal(repr(float(value)))


def wire(value: Decimal) -> str:
    """Return an amount as text without an exponent, with at most 12 decimal places."""
    text = f"{value.quantize(WIRE_STEP, context=EXACT):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
