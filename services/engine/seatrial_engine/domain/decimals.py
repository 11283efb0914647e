"""Exact arithmetic on money: one decimal context, one rounding, one form on the wire."""

from decimal import ROUND_DOWN, Context, Decimal

ZERO = Decimal(0)
# Quantities and prices of up to 20 + 18 digits multiply without rounding, so that cash adds up to the last digit.
EXACT = Context(prec=80)
STEP = Decimal("1e-8")
WIRE_STEP = Decimal("1e-12")
BASIS_POINT = Decimal("1e-4")


def rounded_down(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`; a step of 0 means 1e-8."""
    unit = step or STEP
    return (value / unit).to_integral_value(rounding=ROUND_DOWN) * unit


def rounded(value: Decimal) -> Decimal:
    """Return money to 1e-8, which is what fees and slipped prices are kept at."""
    return value.quantize(STEP, context=EXACT)


def of_float(value: float) -> Decimal:
    """Return the decimal that a float's shortest text says."""
    return Decimal(repr(float(value)))


def wire(value: Decimal) -> str:
    """Return an amount as plain digits, at most twelve after the point."""
    text = f"{value.quantize(WIRE_STEP, context=EXACT):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
