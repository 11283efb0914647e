"""The routes of alerts and their history, and of silences."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body

from seatrial_alerts.api.access import READ, WRITE, Limit
from seatrial_alerts.examples import (
    ALERT,
    SILENCE,
    SILENCE_REQUEST,
    STEP,
    answer,
)
from seatrial_alerts.service import AlertsService
from seatrial_alerts.store import history, rules
from seatrial_core.contracts.alerts import (
    Acknowledgement,
    Alert,
    AlertTransition,
    Silence,
    SilenceRequest,
)
from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.text import Identity
from seatrial_core.errors import NotFound, field_error
from seatrial_core.timestamps import format_rfc3339
from seatrial_service.cursors import format_position, parse_position
from seatrial_service.routing import CalledBy, service_router


def alert_router(service: AlertsService) -> APIRouter:
    """Return the routes of alerts."""
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


def silence_router(service: AlertsService) -> APIRouter:
    """Return the routes of silences."""
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
