"""The five default rules, with the names and units of the guide."""

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
SILENT_SECONDS = 120.0
MONEY_SCOPES = (RuleScope.PORTFOLIO, RuleScope.ACCOUNT)
RATIOS = frozenset({"max_drawdown", "win_rate_min", "daily_loss_limit", "error_rate_max"})


def thresholds(overrides: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the five thresholds with some of them replaced.

    Args:
        overrides: By name; ratios from 0 to 1, seconds of at least 0.

    Raises:
        ValueError: A name is unknown (the message lists the five), or a value is out of range.
    """
    result = dict(THRESHOLDS)
    for name, value in (overrides or {}).items():
        if name not in THRESHOLDS:
            raise ValueError(f"alert_thresholds: `{name}` is unknown; known are {', '.join(THRESHOLDS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"alert_thresholds: `{name}` must be a finite number, was {value!r}")
        if value < 0 or (name in RATIOS and value > 1):
            allowed = "a ratio from 0 to 1 (0.10 is 10 %)" if name in RATIOS else "a number of seconds of at least 0"
            raise ValueError(f"alert_thresholds: `{name}` must be {allowed}, was {value!r}")
        result[name] = float(value)
    return result


def default_rules(overrides: Mapping[str, float] | None = None) -> tuple[Rule, ...]:
    """Return the five default rules with some thresholds replaced, as in `thresholds`."""
    limits = thresholds(overrides)
    return (
        Rule(
            "max_drawdown",
            "drawdown_ratio",
            Comparison.ABOVE,
            limits["max_drawdown"],
            scopes=MONEY_SCOPES,
            summary="The drawdown from the equity peak is above its limit.",
        ),
        Rule(
            "win_rate_min",
            "win_rate_ratio",
            Comparison.BELOW,
            limits["win_rate_min"],
            samples_metric="closed_trades",
            minimum_samples=MINIMUM_CLOSED_TRADES,
            severity=Severity.WARNING,
            summary="The win rate of the closed trades is below its limit.",
        ),
        Rule(
            "daily_loss_limit",
            "session_loss_ratio",
            Comparison.ABOVE,
            limits["daily_loss_limit"],
            scopes=MONEY_SCOPES,
            summary="The loss of the session is above its limit.",
        ),
        Rule(
            "api_latency_max",
            "slowest_api_call_seconds",
            Comparison.ABOVE,
            limits["api_latency_max"],
            scopes=(RuleScope.ENDPOINT,),
            severity=Severity.WARNING,
            summary="A call to the exchange was slower than its limit.",
        ),
        Rule(
            "error_rate_max",
            "error_ratio",
            Comparison.ABOVE,
            limits["error_rate_max"],
            samples_metric="error_ratio_samples",
            minimum_samples=MINIMUM_CALLS,
            summary="The error rate of trades and calls is above its limit.",
        ),
    )


def rolling_loss_rule() -> Rule:
    """Return the rule that adds to `daily_loss_limit` what no midnight resets: the loss of the last 24 hours."""
    return Rule(
        "rolling_loss_limit",
        "rolling_loss_ratio",
        Comparison.ABOVE,
        THRESHOLDS["daily_loss_limit"],
        scopes=MONEY_SCOPES,
        summary="The loss of the last 24 hours is above its limit.",
    )


def engine_silent_rule() -> Rule:
    """Return the rule that watches the heartbeat of each engine."""
    return Rule(
        "engine_silent",
        "heartbeat_age_seconds",
        Comparison.ABOVE,
        SILENT_SECONDS,
        scopes=(RuleScope.ENGINE,),
        summary="An engine has sent no heartbeat.",
    )
