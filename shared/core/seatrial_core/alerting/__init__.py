"""The rule evaluator, pure, standard library only: for the alerts service, its replay and the SDK's monitor."""

from seatrial_core.alerting.defaults import THRESHOLDS, default_rules, thresholds
from seatrial_core.alerting.evaluator import Decision, Observation, State, Status, Transition, evaluate
from seatrial_core.alerting.rules import Action, Comparison, NoData, Rule, Scope, Severity

__all__ = [
    "THRESHOLDS",
    "Action",
    "Comparison",
    "Decision",
    "NoData",
    "Observation",
    "Rule",
    "Scope",
    "Severity",
    "State",
    "Status",
    "Transition",
    "default_rules",
    "evaluate",
    "thresholds",
]
