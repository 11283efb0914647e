"""A figure that may be undefined: a number, or the reason why there is none."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A finite `value`, or None with the `reason`."""

    value: float | None
    reason: str | None = None

    def or_zero(self) -> float:
        """Return the value, 0.0 when there is none (the guide's keys never hold None)."""
        return 0.0 if self.value is None else self.value


def known(value: float) -> Figure:
    """Return `value` as a figure; NaN and infinity are undefined."""
    number = float(value)
    if not math.isfinite(number):
        return undefined("the result is not a finite number")
    return Figure(number)


def undefined(reason: str) -> Figure:
    """Return a figure without a value."""
    return Figure(None, reason)
