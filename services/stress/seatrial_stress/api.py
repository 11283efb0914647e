"""The routes of the stress service: parse, call, return."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.stress import RunRequest, RunState, StressPlan
from seatrial_core.contracts.text import Identity
from seatrial_service.cursors import format_position, parse_position
from seatrial_service.routing import requires, service_router
from seatrial_stress import store, worker_api
from seatrial_stress.examples import PLANS, REQUEST, RUN, example_response
from seatrial_stress.plans import catalog
from seatrial_stress.service import StressService

READ = [requires("stress:read")]
Limit = Annotated[int, Query(ge=1, le=100)]
RUNS = [requires("stress:run")]


def routes(service: StressService) -> list[APIRouter]:
    """Return the routers of this service."""
    router = service_router(prefix="/v1", tags=["runs"])

    @router.get("/plans", dependencies=READ, responses=example_response(PLANS))
    async def list_plans() -> list[StressPlan]:
        """List the built-in plans."""
        return list(catalog.PLANS.values())

    @router.post("/runs", status_code=202, dependencies=RUNS, responses=example_response(RUN, 202))
    async def start(request: Annotated[RunRequest, Body(examples=[REQUEST])]) -> RunState:
        """Start a run against an allowed target; one at a time."""
        return await service.start(request)

    @router.get("/runs", dependencies=READ, responses=example_response({"items": [RUN], "next_cursor": None}))
    async def list_runs(limit: Limit = 20, cursor: Identity | None = None) -> Page[RunState]:
        """List runs, newest first."""
        async with service.database.transaction() as session:
            rows = await store.page(session, parse_position(cursor), limit + 1)
        items = [service.run_state(row) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return Page(items=items, next_cursor=format_position(last.created_at, last.id) if last else None)

    @router.get("/runs/{identity}", dependencies=READ, responses=example_response(RUN))
    async def state(identity: Identity) -> RunState:
        """Return the state of a run, with its report once it is finished."""
        return await service.state(identity)

    @router.delete("/runs/{identity}", dependencies=RUNS, responses=example_response(RUN))
    async def cancel(identity: Identity) -> RunState:
        """Cancel a run; its load ends at once."""
        return await service.cancel(identity)

    return [router, worker_api.routes(service.worker_pool)]
