"""The five default rules have the guide's names, units and values, and say what is wrong with others."""

import pytest

from seatrial_core.alerting import THRESHOLDS, RuleScope, default_rules, thresholds


def test_the_guides_names_and_values() -> None:
    assert dict(THRESHOLDS) == {
        "max_drawdown": 0.10,
        "win_rate_min": 0.45,
        "daily_loss_limit": 0.05,
        "api_latency_max": 5.0,
        "error_rate_max": 0.05,
    }
    assert [rule.name for rule in default_rules()] == list(THRESHOLDS)


def test_minimum_samples_and_scopes() -> None:
    rules = {rule.name: rule for rule in default_rules({"max_drawdown": 0.2})}

    assert rules["max_drawdown"].threshold == 0.2
    assert rules["win_rate_min"].minimum_samples == rules["error_rate_max"].minimum_samples == 20
    assert rules["api_latency_max"].scopes == (RuleScope.ENDPOINT,)
    assert rules["max_drawdown"].scopes == (RuleScope.PORTFOLIO, RuleScope.ACCOUNT)
    assert rules["win_rate_min"].is_breach(0.449)
    assert not rules["win_rate_min"].is_breach(0.45)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"drawdown": 0.1}, "known are max_drawdown, win_rate_min"),
        ({"max_drawdown": 10}, "ratio from 0 to 1"),
        ({"max_drawdown": float("nan")}, "finite"),
        ({"api_latency_max": -1}, "seconds"),
        ({"win_rate_min": True}, "finite number"),
    ],
)
def test_a_wrong_threshold_is_named(given: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        thresholds(given)
