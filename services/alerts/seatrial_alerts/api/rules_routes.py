"""The routes of the rules and of the thresholds of the default ones."""

from typing import Annotated

from fastapi import APIRouter, Body

from seatrial_alerts import notifications
from seatrial_alerts.api.access import READ, WRITE
from seatrial_alerts.documents import rule_of, with_thresholds
from seatrial_alerts.examples import (
    RULE,
    THRESHOLDS_EXAMPLE,
    answer,
)
from seatrial_alerts.service import AlertsService
from seatrial_alerts.store import history, outbox, rules, states
from seatrial_core.alerting import THRESHOLDS, thresholds
from seatrial_core.contracts.alerts import (
    AlertRuleDocument,
    RuleName,
)
from seatrial_core.contracts.numbers import Finite
from seatrial_core.contracts.pages import Page
from seatrial_core.errors import NotFound, ValidationFailed, field_error
from seatrial_service.routing import CalledBy, service_router


def rule_router(service: AlertsService) -> APIRouter:
    """Return the routes of rules."""
    router = service_router(prefix="/v1/rules", tags=["rules"])

    @router.get("", dependencies=READ, responses=answer({"items": [RULE], "next_cursor": None}))
    async def list_rules() -> Page[AlertRuleDocument]:
        """List every rule."""
        async with service.database.transaction() as session:
            return Page(items=await rules.list_rules(session))

    @router.get("/{name}", dependencies=READ, responses=answer(RULE))
    async def get_rule(name: RuleName) -> AlertRuleDocument:
        """Return one rule."""
        async with service.database.transaction() as session:
            rule = next((rule for rule in await rules.list_rules(session) if rule.name == name), None)
        if rule is None:
            raise NotFound(f"there is no rule `{name}`; GET /v1/rules lists them")
        return rule

    @router.put("/{name}", dependencies=WRITE, responses=answer(RULE))
    async def put_rule(
        name: RuleName, rule: Annotated[AlertRuleDocument, Body(examples=[RULE])], caller: CalledBy
    ) -> AlertRuleDocument:
        """Create or replace a rule; the state of its alerts is kept."""
        if rule.name != name:
            raise field_error("name", rule.name, f"`{name}`, as in the path")
        rule_of(rule)
        async with service.database.transaction() as session:
            await rules.require_room_for_rule(session, name)
            await rules.put_rule(session, rule, service.clock.now(), by=caller.principal.name)
        caller.audit("rule_changed", rule=name, threshold=rule.threshold)
        return rule

    @router.delete("/{name}", dependencies=WRITE, status_code=204)
    async def delete_rule(name: RuleName, caller: CalledBy) -> None:
        """Delete a rule; its alerts stay in the history, and a firing one is resolved with a notification."""
        now = service.clock.now()
        async with service.database.transaction() as session:
            await states.lock_evaluator(session)  # an evaluation that has read the rule would fire it again
            if not await rules.delete_rule(session, name):
                raise NotFound(f"there is no rule `{name}`; GET /v1/rules lists them")
            for row in await history.resolve_alerts(session, name, notifications.RULE_DELETED, now):
                for channel in service.channels:
                    body = notifications.of_deleted_rule(history.as_alert(row), now, channel).model_dump(mode="json")
                    await outbox.enqueue(session, body, channel, "waiting", now)
        caller.audit("rule_deleted", rule=name)
        service.dispatcher.wake()

    return router


def threshold_router(service: AlertsService) -> APIRouter:
    """Return the routes of thresholds of the default rules."""
    router = service_router(prefix="/v1/thresholds", tags=["rules"])

    async def current() -> dict[str, float]:
        async with service.database.transaction() as session:
            return {rule.name: rule.threshold for rule in await rules.list_rules(session) if rule.name in THRESHOLDS}

    @router.get("", dependencies=READ, responses=answer(THRESHOLDS_EXAMPLE))
    async def get_thresholds() -> dict[str, float]:
        """Return the thresholds of the default rules."""
        return await current()

    @router.put("", dependencies=WRITE, responses=answer(THRESHOLDS_EXAMPLE))
    async def put_thresholds(
        overrides: Annotated[dict[RuleName, Finite], Body(max_length=64, examples=[{"max_drawdown": 0.2}])],
        caller: CalledBy,
    ) -> dict[str, float]:
        """Set some or all of the five thresholds; an unknown name is refused with the list of the five."""
        try:
            thresholds(overrides)
        except ValueError as error:
            raise ValidationFailed(str(error)) from error
        async with service.database.transaction() as session:
            stored = {rule.name: rule for rule in await rules.list_rules(session)}
            for changed in with_thresholds(stored, overrides):
                rule_of(changed)
                await rules.put_rule(session, changed, service.clock.now(), by=caller.principal.name)
        caller.audit("thresholds_changed", thresholds=overrides)
        return await current()

    return router
