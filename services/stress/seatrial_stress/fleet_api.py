"""The routes that workers in containers of their own call."""

from typing import Annotated

from fastapi import APIRouter, Path

from seatrial_service.web import requires
from seatrial_stress.load.fleet import JournalPart, WorkerAssignment, WorkerPool, WorkerSummary

RUNS = [requires("stress:run")]
Worker = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


def routes(fleet: WorkerPool) -> APIRouter:
    """Return the router of the fleet."""
    router = APIRouter(prefix="/v1/workers", tags=["workers"], dependencies=RUNS)

    @router.post("/{worker}/assignment")
    async def ask(worker: Worker) -> WorkerAssignment | None:
        """Say that a worker is there and get what it is to send, or null."""
        return fleet.ask(worker)

    @router.post("/{worker}/runs/{run}/beat")
    async def beat(worker: Worker, run: str) -> dict[str, bool]:
        """Say that a worker is alive; `go_on` is false when its run is no more."""
        return {"go_on": fleet.beat(worker, run)}

    @router.post("/{worker}/journal", status_code=204)
    async def keep(worker: Worker, part: JournalPart) -> None:
        """Hand in a part of a worker's journal, in order; the same part again changes nothing."""
        fleet.keep(worker, part)

    @router.post("/{worker}/end", status_code=204)
    async def finish(worker: Worker, end: WorkerSummary) -> None:
        """Hand in a worker's last word, after its whole journal."""
        fleet.finish(worker, end)

    return router
