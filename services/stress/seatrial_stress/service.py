"""The parts of the running service: at most one run at a time, so that two loads never spoil each other's numbers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.stress import RunRequest, RunState, StressPlan
from seatrial_core.errors import Conflict, NotFound
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.db.stress import RunRow
from seatrial_service.db.upgrade import head
from seatrial_stress import runner, store
from seatrial_stress.load import processes
from seatrial_stress.load.fleet import WorkerPool
from seatrial_stress.plans import catalog as plans
from seatrial_stress.plans import targets
from seatrial_stress.runner import Drive
from seatrial_stress.settings import StressSettings

Origin = Literal["api", "ui"]


class StressService:
    """Everything the routes call.

    Args:
        settings: What is set.
        clock: The only source of time.
    """

    def __init__(self, settings: StressSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database_url, pool_size=3, application="seatrial-stress")
        self.fleet = WorkerPool(clock)
        self.verdicts: dict[str, int] = {}
        self._current: asyncio.Task[None] | None = None
        self._current_id = ""
        self._starting = asyncio.Lock()
        self._progress: tuple[float, float] = (0.0, 1.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Clear what an earlier process left; at the end stop the run that is under way."""
        async with self.database.transaction() as session:
            await store.end_interrupted(session, self.clock.now())
        try:
            yield
        finally:
            await self._stop("the service stopped")
            await self.database.close()

    async def ready(self) -> None:
        """Raise unless the database answers and its schema is the one this program needs."""
        await self.database.require_head(head())

    async def detail(self) -> dict[str, object]:
        """Return what is inside, for people."""
        return {"run": self._current_id or None, "verdicts": self.verdicts, "idle_workers": self.fleet.idle()}

    async def start(self, request: RunRequest, *, origin: Origin = "api", drive: Drive | None = None) -> RunState:
        """Begin a run, or say which one is under way.

        Args:
            request: What is wanted.
            origin: Where it was asked for.
            drive: Sends the load; workers that ask for work where there are enough, else processes of our own.
        """
        async with self._starting:
            return await self._start(request, origin, drive)

    async def state(self, identity: str) -> RunState:
        """Return where a run stands."""
        async with self.database.transaction() as session:
            row = await store.find(session, identity)
        if row is None:
            raise NotFound(f"there is no run `{identity}`; GET /v1/runs lists them")
        return self.shown(row)

    async def cancel(self, identity: str) -> RunState:
        """Stop a run that is under way; one that has ended stays as it is."""
        if identity == self._current_id:
            await self._stop("cancelled by a caller")
        return await self.state(identity)

    def shown(self, row: RunRow) -> RunState:
        """Return a stored run in the wire's form, with the progress of the one under way."""
        state = RunState.model_validate(
            {
                "id": row.id,
                "plan": str(row.plan.get("name", "")),
                "target": row.target,
                "origin": row.origin,
                "status": row.status,
                "progress_ratio": row.progress_ratio,
                "verdict": row.verdict,
                "error": row.error,
                "created_at": row.created_at,
                "finished_at": row.finished_at,
                "report": row.report,
            }
        )
        if row.id != self._current_id or row.status != "running":
            return state
        began, length = self._progress
        return state.model_copy(update={"progress_ratio": min(0.99, (self.clock.monotonic() - began) / length)})

    async def _start(self, request: RunRequest, origin: Origin, drive: Drive | None) -> RunState:
        if self._current is not None and not self._current.done():
            raise Conflict(f"run {self._current_id} is under way; wait for it or DELETE /v1/runs/{self._current_id}")
        chosen = plans.get(request.plan) if isinstance(request.plan, str) else request.plan
        plan = plans.changed(
            chosen,
            duration_seconds=request.duration_seconds,
            rate_per_second=request.rate_per_second,
            seed=request.seed,
            workers=request.workers,
        )
        target = targets.allowed(request.target or self.settings.engine_url, self.settings.allowed_targets)
        identity = runner.new_id()
        async with self.database.transaction() as session:
            await store.add(session, identity, plan, target, origin, self.clock.now())
        self._current_id = identity
        self._progress = (self.clock.monotonic(), plan.duration_seconds)
        chosen_drive = drive or (self.fleet.drive if len(self.fleet.idle()) >= plan.workers else processes.drive)
        self._current = asyncio.create_task(self._run(identity, plan, target, chosen_drive))
        return await self.state(identity)

    async def _run(self, identity: str, plan: StressPlan, target: str, drive: Drive) -> None:
        token = self.settings.token if target == targets.origin(self.settings.engine_url) else ""
        try:
            report = await runner.run(plan, target, token, identity, drive)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # a run that breaks must be seen as broken, and the next one come
            logs.get().error("run_failed", run=identity, exc_info=error)
            async with self.database.transaction() as session:
                await store.end(session, identity, "failed", f"{type(error).__name__}: {error}", self.clock.now())
            return
        async with self.database.transaction() as session:
            await store.finish(session, identity, report, self.clock.now())
        self.verdicts[report.verdict.value] = self.verdicts.get(report.verdict.value, 0) + 1
        logs.get().info("run_finished", run=identity, verdict=report.verdict.value, plan=plan.name)

    async def _stop(self, why: str) -> None:
        task = self._current
        if task is None or task.done():
            return
        while not task.done():  # a single cancellation may be swallowed on its way down
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task}, timeout=5.0)
        async with self.database.transaction() as session:
            await store.end(session, self._current_id, "cancelled", why, self.clock.now())
