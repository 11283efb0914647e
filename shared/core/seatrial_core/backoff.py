"""Exponential back-off: how long to wait after failures in a row."""

from dataclasses import dataclass
from random import Random

MAX_DOUBLINGS = 60


@dataclass(frozen=True)
class ExponentialBackoff:
    """A pause that doubles with every failure in a row, up to a limit.

    The caller counts the failures and sets the count to 0 after a success.

    Args:
        first_seconds: The pause after the first failure (>= 0).
        max_seconds: The longest pause (>= `first_seconds`).

    Example:
        >>> [ExponentialBackoff(0.5, 3.0).pause_seconds(failures) for failures in range(5)]
        [0.0, 0.5, 1.0, 2.0, 3.0]
    """

    first_seconds: float
    max_seconds: float

    def pause_seconds(self, failures: int, jitter: Random | None = None) -> float:
        """Return the pause before the next attempt.

        Args:
            failures: Failures in a row so far (>= 0); 0 gives no pause.
            jitter: Spreads the pause evenly over [1/2, 1] of its length, so that many callers do not retry at once.
        """
        if failures <= 0:
            return 0.0
        pause = min(self.max_seconds, self.first_seconds * 2.0 ** min(failures - 1, MAX_DOUBLINGS))
        return pause if jitter is None else pause * (0.5 + jitter.random() / 2.0)
