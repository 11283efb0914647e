"""The alert rule: a figure, its threshold, and how long and on how many samples a breach must last."""

import math
from dataclasses import dataclass
from enum import StrEnum

REPEAT_SECONDS = 4 * 3600.0


class Comparison(StrEnum):
    """When a value breaches its threshold."""

    ABOVE = "above"
    BELOW = "below"


class RuleScope(StrEnum):
    """What a rule evaluates separately."""

    PORTFOLIO = "portfolio"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    ENDPOINT = "endpoint"
    ENGINE = "engine"


class Severity(StrEnum):
    """The severity of an alert."""

    WARNING = "warning"
    CRITICAL = "critical"


class NoData(StrEnum):
    """What an unknown value does: `hold` keeps the status, `fire` counts as a breach."""

    HOLD = "hold"
    FIRE = "fire"


class RuleAction(StrEnum):
    """What a firing rule does in addition to the notification."""

    NONE = "none"
    HALT = "halt"


@dataclass(frozen=True)
class Rule:
    """An alert rule.

    Args:
        name: Unique; every notification carries it.
        metric: The figure of a snapshot that is compared.
        comparison: Whether a breach is above or below the threshold.
        threshold: In the figure's own unit; a value equal to it is no breach.
        for_seconds: How long a breach must last before the alert fires, >= 0.
        keep_firing_seconds: How long the value must have recovered before the alert resolves, >= 0.
        recovery: The level at which the value has recovered (hysteresis); None means the threshold.
        samples_metric: The figure that counts the samples behind the value; empty if there is no minimum.
        minimum_samples: With fewer samples the value is unknown.
        scopes: What is evaluated separately: the portfolio, and each account, strategy, endpoint or engine.
        severity: Warning or critical.
        no_data: What an unknown value does.
        repeat_seconds: Shortest time between two notifications of a firing alert, 0 for no repetition.
        action: What happens in addition to the notification.
        summary: One sentence for people.

    Raises:
        ValueError: The values contradict each other; the message names the field.
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
                f"rule `{self.name}`: recovery {self.recovery} is on the wrong side of threshold {self.threshold}"
            )

    def is_breach(self, value: float) -> bool:
        """Return whether a value is beyond the threshold."""
        return value > self.threshold if self.comparison is Comparison.ABOVE else value < self.threshold

    def is_recovered(self, value: float) -> bool:
        """Return whether a value has recovered."""
        level = self.threshold if self.recovery is None else self.recovery
        return value <= level if self.comparison is Comparison.ABOVE else value >= level
