"""The rule evaluator, pure, standard library only: for the alerts service, its replay and the SDK's monitor."""

from seatrial_shared.alerting.defaults import THRESHOLDS, default_rules, thresholds
from seatrial_shared.alerting.evaluator import Decision, Observation, State, Status, Transition, evaluate
from seatrial_shared.alerting.rules import Action, Comparison, NoData, Rule, Scope, Severity

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
