"""Rules between their wire form and the evaluator's."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from seatrial_core.alerting import Comparison, NoData, Rule, RuleAction, RuleScope, Severity, default_rules
from seatrial_core.contracts.alerts import AlertRuleDocument
from seatrial_core.errors import ValidationFailed


def rule_of(document: AlertRuleDocument) -> Rule:
    """Return the evaluator's rule, or raise ValidationFailed where its values contradict each other."""
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
    """Return a rule's wire form."""
    values: dict[str, Any] = asdict(rule)  # Any: fields of many types
    return AlertRuleDocument.model_validate(values)


def with_thresholds(stored: Mapping[str, AlertRuleDocument], given: Mapping[str, float]) -> list[AlertRuleDocument]:
    """Return the default rules whose threshold is given, otherwise as they are stored."""
    return [
        stored.get(rule.name, document_of(rule)).model_copy(update={"threshold": rule.threshold})
        for rule in default_rules(given)
        if rule.name in given
    ]
