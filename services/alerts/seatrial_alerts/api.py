"""The routes of the alerts service: parse, call, return."""

from datetime import datetime
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
from seatrial_alerts.webhook import WEBHOOK
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
from seatrial_core.contracts.pages import Page
from seatrial_core.errors import Conflict, NotFound, ValidationFailed, field_error
from seatrial_service.web import requires

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
    router = APIRouter(prefix="/v1/rules", tags=["rules"])

    @router.get("", dependencies=READ, responses=answer({"items": [RULE], "next_cursor": None}))
    async def list_rules() -> Page[AlertRuleDocument]:
        """List every rule."""
        async with service.database.transaction() as session:
            return Page(items=await rules.everything(session))

    @router.get("/{name}", dependencies=READ, responses=answer(RULE))
    async def get_rule(name: RuleName) -> AlertRuleDocument:
        """Return one rule."""
        async with service.database.transaction() as session:
            found = next((rule for rule in await rules.everything(session) if rule.name == name), None)
        if found is None:
            raise NotFound(f"there is no rule `{name}`; GET /v1/rules lists them")
        return found

    @router.put("/{name}", dependencies=WRITE, responses=answer(RULE))
    async def put_rule(name: RuleName, rule: Annotated[AlertRuleDocument, Body(examples=[RULE])]) -> AlertRuleDocument:
        """Create a rule or replace it; what is remembered of its alerts stays."""
        if rule.name != name:
            raise field_error("name", rule.name, f"`{name}`, as in the path")
        rule_of(rule)
        async with service.database.transaction() as session:
            await rules.put_rule(session, rule, service.clock.now())
        return rule

    @router.delete("/{name}", dependencies=WRITE, status_code=204)
    async def delete_rule(name: RuleName) -> None:
        """Forget a rule; alerts that it raised stay in the history, a firing one is resolved and that is told."""
        now = service.clock.now()
        async with service.database.transaction() as session:
            await states.lock_evaluator(session)  # an evaluation that has read the rule would fire it again
            if not await rules.delete_rule(session, name):
                raise NotFound(f"there is no rule `{name}`; GET /v1/rules lists them")
            for row in await history.withdraw(session, name, notifications.RULE_DELETED, now):
                for channel in service.channels:
                    body = notifications.of_withdrawn(history.as_alert(row), now, channel).model_dump(mode="json")
                    await outbox.enqueue(session, body, channel, "waiting", now)
        service.deliverer.ring()

    return router


def _thresholds(service: AlertsService) -> APIRouter:
    router = APIRouter(prefix="/v1/thresholds", tags=["rules"])

    async def current() -> dict[str, float]:
        async with service.database.transaction() as session:
            return {rule.name: rule.threshold for rule in await rules.everything(session) if rule.name in THRESHOLDS}

    @router.get("", dependencies=READ, responses=answer(THRESHOLDS_EXAMPLE))
    async def get_thresholds() -> dict[str, float]:
        """Return the thresholds of the default rules."""
        return await current()

    @router.put("", dependencies=WRITE, responses=answer(THRESHOLDS_EXAMPLE))
    async def put_thresholds(
        given: Annotated[dict[str, float], Body(examples=[{"max_drawdown": 0.2}])],
    ) -> dict[str, float]:
        """Set some or all of the five thresholds; an unknown key is refused with the list."""
        try:
            thresholds(given)
        except ValueError as error:
            raise ValidationFailed(str(error)) from error
        async with service.database.transaction() as session:
            stored = {rule.name: rule for rule in await rules.everything(session)}
            for changed in with_thresholds(stored, given):
                rule_of(changed)
                await rules.put_rule(session, changed, service.clock.now())
        return await current()

    return router


def _alerts(service: AlertsService) -> APIRouter:
    router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

    @router.get("", dependencies=READ, responses=answer({"items": [ALERT], "next_cursor": None}))
    async def list_alerts(
        status: Literal["firing", "resolved"] | None = None, limit: Limit = 100, cursor: str | None = None
    ) -> Page[Alert]:
        """List alerts, newest first."""
        async with service.database.transaction() as session:
            rows = await history.page(session, status, _place(cursor), limit + 1)
        items = [history.as_alert(row, is_stale) for row, is_stale in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return Page(items=items, next_cursor=f"{last.recorded_at.isoformat()}/{last.id}" if last else None)

    @router.get("/{alert_id}", dependencies=READ, responses=answer(ALERT))
    async def get_alert(alert_id: str) -> Alert:
        """Return one alert."""
        async with service.database.transaction() as session:
            found = await history.find(session, alert_id)
        if found is None:
            raise NotFound(f"there is no alert `{alert_id}`; GET /v1/alerts lists them")
        return history.as_alert(*found)

    @router.get("/{alert_id}/history", dependencies=READ, responses=answer({"items": [STEP], "next_cursor": None}))
    async def get_history(alert_id: str) -> Page[AlertTransition]:
        """Return what happened to an alert, step by step, each with its reason."""
        async with service.database.transaction() as session:
            rows = await history.steps(session, alert_id)
        if not rows:
            raise NotFound(f"there is no alert `{alert_id}`")
        return Page(items=[AlertTransition.model_validate(row, from_attributes=True) for row in rows])

    @router.post("/{alert_id}/acknowledge", dependencies=WRITE, responses=answer(ALERT))
    async def acknowledge(alert_id: str, who: Annotated[Acknowledgement, Body(examples=[{"by": "ada"}])]) -> Alert:
        """Note who looks after an alert; the first one stands."""
        async with service.database.transaction() as session:
            found = await history.find(session, alert_id)
            if found is None:
                raise NotFound(f"there is no alert `{alert_id}`; GET /v1/alerts lists them")
            await history.acknowledge(session, found[0], who.by, service.clock.now())
            return history.as_alert(*found)

    return router


def _silences(service: AlertsService) -> APIRouter:
    router = APIRouter(prefix="/v1/silences", tags=["silences"])

    @router.get("", dependencies=READ, responses=answer({"items": [SILENCE], "next_cursor": None}))
    async def list_silences() -> Page[Silence]:
        """List the silences that hold now."""
        async with service.database.transaction() as session:
            rows = await rules.silences(session, service.clock.now())
        return Page(items=[Silence.model_validate(row, from_attributes=True) for row in rows])

    @router.post("", dependencies=WRITE, status_code=201, responses=answer(SILENCE, 201))
    async def add_silence(wanted: Annotated[SilenceRequest, Body(examples=[SILENCE_REQUEST])]) -> Silence:
        """Hold the notifications of a rule back; its alerts are still recorded."""
        now = service.clock.now()
        if wanted.expires_at <= now:
            raise field_error("expires_at", wanted.expires_at.isoformat(), f"an instant after {now.isoformat()}")
        async with service.database.transaction() as session:
            return Silence.model_validate(await rules.add_silence(session, wanted, now), from_attributes=True)

    @router.delete("/{silence_id}", dependencies=WRITE, status_code=204)
    async def end_silence(silence_id: str) -> None:
        """End a silence before its time."""
        async with service.database.transaction() as session:
            if not await rules.end_silence(session, silence_id):
                raise NotFound(f"there is no silence `{silence_id}`")

    return router


def _deliveries(service: AlertsService) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["deliveries"])

    @router.get("/deliveries", dependencies=READ, responses=answer({"items": [DELIVERY], "next_cursor": None}))
    async def list_deliveries(limit: Limit = 100, cursor: Annotated[int | None, Query(ge=1)] = None) -> Page[Delivery]:
        """List attempts to deliver notifications, newest first."""
        async with service.database.transaction() as session:
            rows = await outbox.deliveries(session, cursor, limit + 1)
        items = [
            Delivery(
                key=notice.key,
                alert_id=notice.alert_id,
                channel=notice.channel,
                at=attempt.at,
                attempt=attempt.attempt,
                outcome=attempt.outcome,
                status_code=attempt.status_code,
                detail=attempt.detail,
                seconds=attempt.seconds,
            )
            for attempt, notice in rows[:limit]
        ]
        return Page(items=items, next_cursor=str(rows[limit - 1][0].id) if len(rows) > limit else None)

    @router.post("/test-notification", dependencies=WRITE, status_code=202, responses=answer({"key": "test-1f"}, 202))
    async def test_notification() -> dict[str, str]:
        """Queue a notification that says it is a test, to try the channel."""
        if not service.has_webhook:
            raise Conflict("no channel is configured; set ALERT_WEBHOOK_URL and start the service again")
        now = service.clock.now()
        key = f"test-{uuid4().hex}"
        async with service.database.transaction() as session:
            body = notifications.of_test(key, now).model_dump(mode="json")
            await outbox.enqueue(session, body, WEBHOOK, "waiting", now)
        service.deliverer.ring()
        return {"key": key}

    return router


def _breaker(service: AlertsService) -> APIRouter:
    router = APIRouter(prefix="/v1/breaker", tags=["breaker"])

    @router.get("", dependencies=READ, responses=answer(BREAKER))
    async def get_breaker() -> Breaker:
        """Say whether an alert has halted the engine, whether that is confirmed, and why."""
        async with service.database.transaction() as session:
            return await breaker.standing(session)

    @router.post("/resume", dependencies=WRITE, status_code=202, responses=answer(BREAKER, 202))
    async def resume(wanted: Annotated[ResumeRequest, Body(examples=[RESUME])]) -> Breaker:
        """Command the engine to trade again; who and why are kept. A rule that still fires does not halt it again."""
        async with service.database.transaction() as session:
            found = await breaker.resume(session, wanted, service.clock.now())
        service.commander.ring()
        return found

    return router


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    """Return where a page goes on, or raise for a cursor that no page gave."""
    if cursor is None:
        return None
    moment, _, last = cursor.partition("/")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not last.isalnum():
        raise field_error("cursor", cursor, "the next_cursor of the page before")
    return at, last
