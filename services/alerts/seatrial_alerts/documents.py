"""Rules between their wire form and the evaluator's."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from seatrial_core.alerting import Action, Comparison, NoData, Rule, Scope, Severity, default_rules
from seatrial_core.contracts.alerts import RuleDocument
from seatrial_core.errors import ValidationFailed


def rule_of(document: RuleDocument) -> Rule:
    """Return the evaluator's rule, or raise ValidationFailed where its values contradict each other."""
    values = document.model_dump()
    try:
        return Rule(
            **{
                **values,
                "comparison": Comparison(document.comparison),
                "scopes": tuple(Scope(name) for name in document.scopes),
                "severity": Severity(document.severity),
                "no_data": NoData(document.no_data),
                "action": Action(document.action),
            }
        )
    except ValueError as error:
        raise ValidationFailed(str(error)) from error


def document_of(rule: Rule) -> RuleDocument:
    """Return a rule's wire form."""
    values: dict[str, Any] = asdict(rule)  # Any: fields of many types
    return RuleDocument.model_validate(values)


def with_thresholds(stored: Mapping[str, RuleDocument], given: Mapping[str, float]) -> list[RuleDocument]:
    """Return the default rules whose threshold is given, otherwise as they are stored."""
    return [
        stored.get(rule.name, document_of(rule)).model_copy(update={"threshold": rule.threshold})
        for rule in default_rules(given)
        if rule.name in given
    ]
