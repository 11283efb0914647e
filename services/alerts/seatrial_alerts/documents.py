"""Converts rules between their JSON form and the evaluator's."""

from collections.abc import Mapping
from dataclasses import asdict

from seatrial_core.alerting import Comparison, NoData, Rule, RuleAction, RuleScope, Severity, default_rules
from seatrial_core.contracts.alerts import AlertRuleDocument
from seatrial_core.errors import ValidationFailed


def rule_of(document: AlertRuleDocument) -> Rule:
    """Return the evaluator's rule.

    Raises:
        ValidationFailed: The values contradict each other.
    """
    values = document.model_dump()
    try:
        return Rule(
            **{
                **values,
                "comparison": Comparison(document.comparison),
                "scopes": tuple(RuleScope(name) for name in document.scopes),
                "severity": Severity(document.severity),
                "no_data": NoData(document.no_data),
                "action": RuleAction(document.action),
            }
        )
    except ValueError as error:
        raise ValidationFailed(str(error)) from error


def document_of(rule: Rule) -> AlertRuleDocument:
    """Return the JSON form of a rule."""
    return AlertRuleDocument.model_validate(asdict(rule))


def with_thresholds(stored: Mapping[str, AlertRuleDocument], overrides: Mapping[str, float]) -> list[AlertRuleDocument]:
    """Return the default rules whose threshold is overridden; their other fields stay as stored."""
    return [
        stored.get(rule.name, document_of(rule)).model_copy(update={"threshold": rule.threshold})
        for rule in default_rules(overrides)
        if rule.name in overrides
    ]
