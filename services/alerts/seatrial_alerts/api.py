"""The routes of the alerts service: parse, call, return."""

from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Body, Query

from seatrial_alerts import breaker, notifications
from seatrial_alerts.documents import rule_of, with_thresholds
from seatrial_alerts.examples import (
    ALERT,
    BREAKER,
    DELIVERY,
    RESUME,
    RULE,
    SILENCE,
    SILENCE_REQUEST,
    STEP,
    THRESHOLDS_EXAMPLE,
    answer,
)
from seatrial_alerts.service import AlertsService
from seatrial_alerts.store import history, outbox, rules, states
from seatrial_core.alerting import THRESHOLDS, thresholds
from seatrial_core.contracts.alerts import (
    Acknowledgement,
    Alert,
    AlertRuleDocument,
    AlertTransition,
    Breaker,
    Delivery,
    ResumeRequest,
    RuleName,
    Silence,
    SilenceRequest,
)
from seatrial_core.contracts.numbers import Finite, RowCursor
from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.text import Identity
from seatrial_core.errors import Conflict, NotFound, ValidationFailed, field_error
from seatrial_core.notifications import WEBHOOK
from seatrial_core.timestamps import format_rfc3339
from seatrial_service.cursors import format_position, parse_position
from seatrial_service.routing import CalledBy, requires, service_router

READ = [requires("alerts:read")]
WRITE = [requires("alerts:write")]
Limit = Annotated[int, Query(ge=1, le=500)]


def routes(service: AlertsService) -> list[APIRouter]:
    """Return the routers of this service."""
    return [
        _rules(service),
        _thresholds(service),
        _alerts(service),
        _silences(service),
        _deliveries(service),
        _breaker(service),
    ]


def _rules(service: AlertsService) -> APIRouter:
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


def _thresholds(service: AlertsService) -> APIRouter:
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


def _alerts(service: AlertsService) -> APIRouter:
    router = service_router(prefix="/v1/alerts", tags=["alerts"])

    @router.get("", dependencies=READ, responses=answer({"items": [ALERT], "next_cursor": None}))
    async def list_alerts(
        status: Literal["firing", "resolved"] | None = None, limit: Limit = 100, cursor: Identity | None = None
    ) -> Page[Alert]:
        """List alerts, newest first."""
        async with service.database.transaction() as session:
            rows = await history.page(session, status, parse_position(cursor), limit + 1)
        items = [history.as_alert(row, is_stale) for row, is_stale in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return Page(items=items, next_cursor=format_position(last.recorded_at, last.id) if last else None)

    @router.get("/{alert_id}", dependencies=READ, responses=answer(ALERT))
    async def get_alert(alert_id: Identity) -> Alert:
        """Return one alert."""
        async with service.database.transaction() as session:
            alert = await history.find(session, alert_id)
        if alert is None:
            raise NotFound(f"there is no alert `{alert_id}`; GET /v1/alerts lists them")
        return history.as_alert(*alert)

    @router.get("/{alert_id}/history", dependencies=READ, responses=answer({"items": [STEP], "next_cursor": None}))
    async def get_history(alert_id: Identity) -> Page[AlertTransition]:
        """Return the history of an alert, oldest step first, each with its reason."""
        async with service.database.transaction() as session:
            rows = await history.steps(session, alert_id)
        if not rows:
            raise NotFound(f"there is no alert `{alert_id}`")
        return Page(items=[AlertTransition.model_validate(row, from_attributes=True) for row in rows])

    @router.post("/{alert_id}/acknowledge", dependencies=WRITE, responses=answer(ALERT))
    async def acknowledge(
        alert_id: Identity, request: Annotated[Acknowledgement, Body(examples=[{"by": "ada"}])], caller: CalledBy
    ) -> Alert:
        """Store who works on an alert; only the first acknowledgement counts."""
        async with service.database.transaction() as session:
            alert = await history.find(session, alert_id)
            if alert is None:
                raise NotFound(f"there is no alert `{alert_id}`; GET /v1/alerts lists them")
            await history.acknowledge(session, alert[0], caller.actor(request.by), service.clock.now())
            acknowledged = history.as_alert(*alert)
        caller.audit("alert_acknowledged", alert_id=alert_id, note=request.by)
        return acknowledged

    return router


def _silences(service: AlertsService) -> APIRouter:
    router = service_router(prefix="/v1/silences", tags=["silences"])

    @router.get("", dependencies=READ, responses=answer({"items": [SILENCE], "next_cursor": None}))
    async def list_silences() -> Page[Silence]:
        """List the silences that have not expired."""
        async with service.database.transaction() as session:
            rows = await rules.active_silences(session, service.clock.now())
        return Page(items=[Silence.model_validate(row, from_attributes=True) for row in rows])

    @router.post("", dependencies=WRITE, status_code=201, responses=answer(SILENCE, 201))
    async def add_silence(
        request: Annotated[SilenceRequest, Body(examples=[SILENCE_REQUEST])], caller: CalledBy
    ) -> Silence:
        """Suppress the notifications of a rule for a time; its alerts are still recorded."""
        now = service.clock.now()
        if request.expires_at <= now:
            raise field_error(
                "expires_at", format_rfc3339(request.expires_at), f"an instant after {format_rfc3339(now)}"
            )
        async with service.database.transaction() as session:
            row = await rules.add_silence(session, request, caller.actor(request.created_by), now)
            silence = Silence.model_validate(row, from_attributes=True)
        caller.audit(
            "silence_added", silence=silence.id, rule=silence.rule, until=silence.expires_at, note=silence.note
        )
        return silence

    @router.delete("/{silence_id}", dependencies=WRITE, status_code=204)
    async def end_silence(silence_id: Identity, caller: CalledBy) -> None:
        """End a silence before it expires."""
        async with service.database.transaction() as session:
            if not await rules.end_silence(session, silence_id):
                raise NotFound(f"there is no silence `{silence_id}`")
        caller.audit("silence_ended", silence=silence_id)

    return router


def _deliveries(service: AlertsService) -> APIRouter:
    router = service_router(prefix="/v1", tags=["deliveries"])

    @router.get("/deliveries", dependencies=READ, responses=answer({"items": [DELIVERY], "next_cursor": None}))
    async def list_deliveries(limit: Limit = 100, cursor: RowCursor | None = None) -> Page[Delivery]:
        """List attempts to deliver notifications, newest first."""
        async with service.database.transaction() as session:
            rows = await outbox.deliveries(session, cursor, limit + 1)
        items = [
            Delivery(
                key=message.key,
                alert_id=message.alert_id,
                channel=message.channel,
                at=attempt.at,
                attempt=attempt.attempt,
                outcome=attempt.outcome,
                status_code=attempt.status_code,
                detail=attempt.detail,
                seconds=attempt.seconds,
            )
            for attempt, message in rows[:limit]
        ]
        return Page(items=items, next_cursor=str(rows[limit - 1][0].id) if len(rows) > limit else None)

    @router.post("/test-notification", dependencies=WRITE, status_code=202, responses=answer({"key": "test-1f"}, 202))
    async def test_notification() -> dict[str, str]:
        """Queue a test notification, to check the webhook."""
        if not service.has_webhook:
            raise Conflict("no webhook is configured; set ALERT_WEBHOOK_URL and restart the service")
        now = service.clock.now()
        key = f"test-{uuid4().hex}"
        async with service.database.transaction() as session:
            body = notifications.of_test(key, now).model_dump(mode="json")
            await outbox.enqueue(session, body, WEBHOOK, "waiting", now)
        service.dispatcher.wake()
        return {"key": key}

    return router


def _breaker(service: AlertsService) -> APIRouter:
    router = service_router(prefix="/v1/breaker", tags=["breaker"])

    @router.get("", dependencies=READ, responses=answer(BREAKER))
    async def get_breaker() -> Breaker:
        """Return whether an alert has halted the engine, whether the engine confirmed it, and why."""
        async with service.database.transaction() as session:
            return await breaker.read_breaker(session)

    @router.post("/resume", dependencies=WRITE, status_code=202, responses=answer(BREAKER, 202))
    async def resume(request: Annotated[ResumeRequest, Body(examples=[RESUME])], caller: CalledBy) -> Breaker:
        """Resume the engine; who and why are stored. A rule that still fires does not halt it again."""
        async with service.database.transaction() as session:
            state = await breaker.resume(session, caller.actor(request.by), request.reason, service.clock.now())
        caller.audit("breaker_resume", alert_id=state.alert_id, note=request.by, reason=request.reason)
        service.command_dispatcher.wake()
        return state

    return router
