"""The rules of alerts and their evaluation; pure, shared by the alerts service and the SDK's monitor."""

from seatrial_core.alerting.defaults import THRESHOLDS, default_rules, engine_silent_rule, rolling_loss_rule, thresholds
from seatrial_core.alerting.evaluator import AlertDecision, AlertState, AlertStatus, Observation, Transition, evaluate
from seatrial_core.alerting.rules import Comparison, NoData, Rule, RuleAction, RuleScope, Severity

__all__ = [
    "THRESHOLDS",
    "RuleAction",
    "Comparison",
    "AlertDecision",
    "NoData",
    "Observation",
    "Rule",
    "RuleScope",
    "Severity",
    "AlertState",
    "AlertStatus",
    "Transition",
    "default_rules",
    "engine_silent_rule",
    "evaluate",
    "rolling_loss_rule",
    "thresholds",
]
