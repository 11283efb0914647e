"""What a rule is: a figure, a threshold, and how long and how sure a breach must be."""

import math
from dataclasses import dataclass
from enum import StrEnum

REPEAT_SECONDS = 4 * 3600.0


class Comparison(StrEnum):
    """When a value breaches its threshold."""

    ABOVE = "above"
    BELOW = "below"


class RuleScope(StrEnum):
    """What a rule watches one by one."""

    PORTFOLIO = "portfolio"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    ENDPOINT = "endpoint"


class Severity(StrEnum):
    """How urgent it is."""

    WARNING = "warning"
    CRITICAL = "critical"


class NoData(StrEnum):
    """What an unknown value does: `hold` keeps what is so, `fire` takes the unknown for a breach."""

    HOLD = "hold"
    FIRE = "fire"


class RuleAction(StrEnum):
    """What a rule does beside notifying."""

    NONE = "none"
    HALT = "halt"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        name: Unique; every notification carries it.
        metric: The figure of a snapshot that is compared.
        comparison: Whether a breach lies above or below the threshold.
        threshold: In the figure's own unit; the threshold itself is no breach.
        for_seconds: How long a breach must stand before the alert fires.
        keep_firing_seconds: How long the value must be well again before the alert resolves.
        recovery: The level at which the value is well again (hysteresis); None: the threshold.
        samples_metric: The figure that counts how much the value rests on; empty: not asked.
        minimum_samples: Fewer than these make the value unknown.
        scopes: What is watched one by one: the portfolio, and each account, strategy or endpoint.
        severity: How urgent it is.
        no_data: What an unknown value does.
        repeat_seconds: How often at most a standing breach is notified again.
        action: What happens beside the notification.
        summary: One sentence for people.
    """

    name: str
    metric: str
    comparison: Comparison
    threshold: float
    for_seconds: float = 0.0
    keep_firing_seconds: float = 0.0
    recovery: float | None = None
    samples_metric: str = ""
    minimum_samples: int = 0
    scopes: tuple[RuleScope, ...] = (RuleScope.PORTFOLIO,)
    severity: Severity = Severity.CRITICAL
    no_data: NoData = NoData.HOLD
    repeat_seconds: float = REPEAT_SECONDS
    action: RuleAction = RuleAction.NONE
    summary: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise ValueError(f"rule `{self.name}`: threshold must be a finite number, was {self.threshold!r}")
        for field in ("for_seconds", "keep_firing_seconds", "repeat_seconds"):
            if not 0 <= getattr(self, field) < math.inf:
                raise ValueError(f"rule `{self.name}`: {field} must be at least 0, was {getattr(self, field)!r}")
        if self.recovery is not None and self.is_breach(self.recovery):
            raise ValueError(
                f"rule `{self.name}`: recovery {self.recovery} lies on the wrong side of threshold {self.threshold}"
            )

    def is_breach(self, value: float) -> bool:
        """Tell whether a known value is on the wrong side of the threshold."""
        return value > self.threshold if self.comparison is Comparison.ABOVE else value < self.threshold

    def is_well(self, value: float) -> bool:
        """Tell whether a known value has recovered."""
        level = self.threshold if self.recovery is None else self.recovery
        return value <= level if self.comparison is Comparison.ABOVE else value >= level
