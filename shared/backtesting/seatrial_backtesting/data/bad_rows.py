"""The bad rows of a table: which they are, and the reasons of the first ones; millions cost no more than an array."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MAX_LISTED = 50


@dataclass(frozen=True, eq=False)
class BadRows:
    """Rows that cannot be used.

    Args:
        is_bad: Whether each row is bad, bool[n].
        reasons: The reasons of the first bad rows by position, of `MAX_LISTED` or more.
    """

    is_bad: NDArray[np.bool_]
    reasons: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def none(cls, rows: int) -> "BadRows":
        """Return that no row is bad."""
        return cls(np.zeros(rows, dtype=np.bool_))

    @classmethod
    def of(cls, is_bad: NDArray[np.bool_], reason: str) -> "BadRows":
        """Return rows that are bad for one reason."""
        return cls(is_bad, dict.fromkeys(first(is_bad), reason))

    @property
    def count(self) -> int:
        """Return the number of bad rows."""
        return int(np.count_nonzero(self.is_bad))

    def before(self, other: "BadRows") -> "BadRows":
        """Return the bad rows of both; the reason of a row that is in both is that of this one."""
        return BadRows(self.is_bad | other.is_bad, {**other.reasons, **self.reasons})

    def reversed(self) -> "BadRows":
        """Return the rows from the last to the first."""
        last = len(self.is_bad) - 1
        return BadRows(self.is_bad[::-1], {last - row: reason for row, reason in self.reasons.items()})


def first(mask: NDArray[np.bool_]) -> list[int]:
    """Return the first positions of a mask, as many as are listed."""
    return [int(row) for row in np.flatnonzero(mask)[:MAX_LISTED]]
