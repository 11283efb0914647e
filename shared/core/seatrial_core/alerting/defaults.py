"""The five default rules, under the guide's names and in its units."""

import math
from collections.abc import Mapping

from seatrial_core.alerting.rules import Comparison, Rule, RuleScope, Severity

THRESHOLDS: Mapping[str, float] = {
    "max_drawdown": 0.10,
    "win_rate_min": 0.45,
    "daily_loss_limit": 0.05,
    "api_latency_max": 5.0,
    "error_rate_max": 0.05,
}
MINIMUM_CLOSED_TRADES = 20
MINIMUM_CALLS = 20
MONEY_SCOPES = (RuleScope.PORTFOLIO, RuleScope.ACCOUNT)
RATIOS = frozenset({"max_drawdown", "win_rate_min", "daily_loss_limit", "error_rate_max"})


def thresholds(given: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the five thresholds with those in `given` replaced.

    Raises:
        ValueError: A key is unknown (the known ones are listed), or a value is not allowed.
    """
    chosen = dict(THRESHOLDS)
    for name, value in (given or {}).items():
        if name not in THRESHOLDS:
            raise ValueError(f"alert_thresholds: `{name}` is unknown; known are {', '.join(THRESHOLDS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"alert_thresholds: `{name}` must be a finite number, was {value!r}")
        if value < 0 or (name in RATIOS and value > 1):
            allowed = "a ratio from 0 to 1 (0.10 is 10 %)" if name in RATIOS else "a number of seconds of at least 0"
            raise ValueError(f"alert_thresholds: `{name}` must be {allowed}, was {value!r}")
        chosen[name] = float(value)
    return chosen


def default_rules(given: Mapping[str, float] | None = None) -> tuple[Rule, ...]:
    """Return the five default rules with the thresholds in `given` replaced."""
    chosen = thresholds(given)
    return (
        Rule(
            "max_drawdown",
            "drawdown_ratio",
            Comparison.ABOVE,
            chosen["max_drawdown"],
            scopes=MONEY_SCOPES,
            summary="Equity has fallen too far from its highest point.",
        ),
        Rule(
            "win_rate_min",
            "win_rate_ratio",
            Comparison.BELOW,
            chosen["win_rate_min"],
            samples_metric="closed_trades",
            minimum_samples=MINIMUM_CLOSED_TRADES,
            severity=Severity.WARNING,
            summary="Too few of the closed trades won.",
        ),
        Rule(
            "daily_loss_limit",
            "session_loss_ratio",
            Comparison.ABOVE,
            chosen["daily_loss_limit"],
            scopes=MONEY_SCOPES,
            summary="The session has lost too much of the equity it began with.",
        ),
        Rule(
            "api_latency_max",
            "slowest_api_call_seconds",
            Comparison.ABOVE,
            chosen["api_latency_max"],
            scopes=(RuleScope.ENDPOINT,),
            severity=Severity.WARNING,
            summary="A call to the exchange took too long.",
        ),
        Rule(
            "error_rate_max",
            "error_ratio",
            Comparison.ABOVE,
            chosen["error_rate_max"],
            samples_metric="error_ratio_samples",
            minimum_samples=MINIMUM_CALLS,
            summary="Too many trades and calls end in an error.",
        ),
    )
