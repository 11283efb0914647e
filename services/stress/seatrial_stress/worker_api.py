"""The routes that remote workers call."""

from typing import Annotated

from fastapi import APIRouter

from seatrial_core.contracts.text import TextRule
from seatrial_service.routing import requires, service_router
from seatrial_stress.load.worker_pool import WorkerPool
from seatrial_stress.load.worker_protocol import HeartbeatReply, JournalPart, RunId, WorkerAssignment, WorkerSummary

WORK = [requires("stress:work")]
Worker = Annotated[str, TextRule(1, 100, pattern=r"^[A-Za-z0-9._-]+$")]


def routes(pool: WorkerPool) -> APIRouter:
    """Return the router of the worker pool."""
    router = service_router(prefix="/v1/workers", tags=["workers"], dependencies=WORK)

    @router.post("/{worker}/assignment")
    async def poll(worker: Worker) -> WorkerAssignment | None:
        """Register as an idle worker; returns its part of a run, or null."""
        return pool.poll(worker)

    @router.post("/{worker}/runs/{run}/beat")
    async def heartbeat(worker: Worker, run: RunId) -> HeartbeatReply:
        """Report that a worker is alive; `go_on` is false once its run is over."""
        return HeartbeatReply(go_on=pool.heartbeat(worker, run))

    @router.post("/{worker}/journal", status_code=204)
    async def append_journal(worker: Worker, part: JournalPart) -> None:
        """Hand in the next part of a worker's journal; a repeated part is ignored."""
        pool.append_journal(worker, part)

    @router.post("/{worker}/end", status_code=204)
    async def finish(worker: Worker, summary: WorkerSummary) -> None:
        """Hand in a worker's summary, after its whole journal."""
        pool.finish(worker, summary)

    return router
