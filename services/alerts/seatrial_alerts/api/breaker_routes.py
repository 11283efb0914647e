"""The routes of the circuit breaker."""

from typing import Annotated

from fastapi import APIRouter, Body

from seatrial_alerts import breaker
from seatrial_alerts.api.access import READ, WRITE
from seatrial_alerts.examples import (
    BREAKER,
    RESUME,
    answer,
)
from seatrial_alerts.service import AlertsService
from seatrial_core.contracts.alerts import (
    Breaker,
    ResumeRequest,
)
from seatrial_service.routing import CalledBy, service_router


def breaker_router(service: AlertsService) -> APIRouter:
    """Return the routes of circuit breaker."""
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
