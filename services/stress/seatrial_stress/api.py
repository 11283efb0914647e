"""The routes of the stress service: parse, call, return."""

from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime

from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.stress import RunRequest, RunState, StressPlan
from seatrial_service.web import requires
from seatrial_stress import fleet_api, store
from seatrial_stress.examples import REQUEST, RUN, answer
from seatrial_stress.plans import catalog as plans
from seatrial_stress.service import StressService

READ = [requires("stress:read")]
RUNS = [requires("stress:run")]


def routes(service: StressService) -> list[APIRouter]:
    """Return the routers of this service."""
    router = APIRouter(prefix="/v1", tags=["runs"])

    @router.get("/plans", dependencies=READ, responses=answer([{"name": "high_frequency", "rate_per_second": 60}]))
    async def list_plans() -> list[StressPlan]:
        """List the built-in plans."""
        return list(plans.PLANS.values())

    @router.post("/runs", status_code=202, dependencies=RUNS, responses=answer(RUN, 202))
    async def start(request: Annotated[RunRequest, Body(examples=[REQUEST])]) -> RunState:
        """Begin a run against an allowed target; one at a time."""
        return await service.start(request)

    @router.get("/runs", dependencies=READ, responses=answer({"items": [RUN], "next_cursor": None}))
    async def list_runs(
        limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: AwareDatetime | None = None
    ) -> Page[RunState]:
        """List runs, newest first."""
        async with service.database.transaction() as session:
            rows = await store.page(session, cursor, limit + 1)
        more = rows[limit - 1].created_at.isoformat() if len(rows) > limit else None
        return Page(items=[service.shown(row) for row in rows[:limit]], next_cursor=more)

    @router.get("/runs/{identity}", dependencies=READ, responses=answer(RUN))
    async def state(identity: str) -> RunState:
        """Return where a run stands, and its report once it has one."""
        return await service.state(identity)

    @router.delete("/runs/{identity}", dependencies=RUNS, responses=answer(RUN))
    async def cancel(identity: str) -> RunState:
        """Stop a run; its load ends at once."""
        return await service.cancel(identity)

    return [router, fleet_api.routes(service.fleet)]
