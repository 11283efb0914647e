"""The running stress service: at most one run at a time, so that two loads do not distort each other's results."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.stress import RunRequest, RunState, StressPlan
from seatrial_core.errors import Conflict, NotFound
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.db.stress import RunRow
from seatrial_service.db.upgrade import head
from seatrial_service.loops import BackgroundJobs
from seatrial_stress import runner, store
from seatrial_stress.load import processes
from seatrial_stress.load.worker_pool import WorkerPool
from seatrial_stress.plans import catalog, plan_size, targets
from seatrial_stress.runner import RunLoad
from seatrial_stress.settings import StressSettings

MAX_RUNNING_PROGRESS = 0.99

Origin = Literal["api", "ui"]


@dataclass(frozen=True)
class ActiveRun:
    """The run in progress, or the last one."""

    identity: str
    plan: StressPlan
    target: str
    started_at: float


class StressService:
    """Everything the routes call.

    Args:
        settings: The service's settings.
        clock: The only source of time.
    """

    def __init__(self, settings: StressSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database_url, pool_size=3, application="seatrial-stress")
        self.worker_pool = WorkerPool(clock)
        self.verdicts: dict[str, int] = {}
        self._active: ActiveRun | None = None
        self._jobs = BackgroundJobs()
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Mark runs of an earlier process as failed; at the end cancel the current run."""
        async with self.database.transaction() as session:
            await store.end_interrupted(session, self.clock.now())
        try:
            yield
        finally:
            await self._cancel_active("the service stopped")
            await self.database.close()

    async def ready(self) -> None:
        """Raise unless the database answers and its schema is at the head revision."""
        await self.database.require_head(head())

    async def detail(self) -> dict[str, object]:
        """Return the service's state for operators."""
        run = self._active.identity if self._active else None
        return {"run": run, "verdicts": self.verdicts, "idle_workers": self.worker_pool.idle()}

    async def start(self, request: RunRequest, *, origin: Origin = "api", run_load: RunLoad | None = None) -> RunState:
        """Start a run.

        Args:
            request: Plan, target and overrides.
            origin: Whether the API or Locust's page asked for it.
            run_load: Sends the load; remote workers if enough are idle, else generator processes here.

        Raises:
            Conflict: Another run is in progress.
            Forbidden: Load may not be sent to the target.
            ValidationFailed: The plan or the target is invalid.
        """
        async with self._starting:
            if self._active is not None and self._active.identity in self._jobs:
                identity = self._active.identity
                raise Conflict(f"run {identity} is in progress; wait for it or DELETE /v1/runs/{identity}")
            return await self._start(request, origin, run_load)

    async def state(self, identity: str) -> RunState:
        """Return the state of a run.

        Raises:
            NotFound: There is no such run.
        """
        async with self.database.transaction() as session:
            row = await store.find(session, identity)
        if row is None:
            raise NotFound(f"there is no run `{identity}`; GET /v1/runs lists them")
        return self.run_state(row)

    async def cancel(self, identity: str) -> RunState:
        """Cancel a run in progress; one that is over stays as it is."""
        if self._active is not None and identity == self._active.identity:
            await self._cancel_active("cancelled by a caller")
        return await self.state(identity)

    def run_state(self, row: RunRow) -> RunState:
        """Return the API's representation of a stored run, with the progress of the current one."""
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
        active = self._active
        if active is None or row.id != active.identity or row.status != "running":
            return state
        elapsed = self.clock.monotonic() - active.started_at
        progress_ratio = min(MAX_RUNNING_PROGRESS, elapsed / active.plan.duration_seconds)
        return state.model_copy(update={"progress_ratio": progress_ratio})

    async def _start(self, request: RunRequest, origin: Origin, run_load: RunLoad | None) -> RunState:
        plan = catalog.with_overrides(
            catalog.get(request.plan) if isinstance(request.plan, str) else request.plan,
            duration_seconds=request.duration_seconds,
            rate_per_second=request.rate_per_second,
            seed=request.seed,
            workers=request.workers,
        )
        plan_size.require_size(plan, self.settings.max_requests)
        target = targets.require_allowed(request.target or self.settings.engine_url, self.settings.allowed_targets)
        identity = runner.new_id()
        async with self.database.transaction() as session:
            await store.add(session, identity, plan, target, origin, self.clock.now())
        run = ActiveRun(identity, plan, target, self.clock.monotonic())
        self._active = run
        self._jobs.start(
            identity,
            partial(self._execute, run, run_load or self._default_load(plan)),
            partial(self._record_failure, identity),
        )
        return await self.state(identity)

    def _default_load(self, plan: StressPlan) -> RunLoad:
        return self.worker_pool.run_load if len(self.worker_pool.idle()) >= plan.workers else processes.run_load

    async def _execute(self, run: ActiveRun, run_load: RunLoad) -> None:
        token = self.settings.token if targets.is_origin_of(run.target, self.settings.engine_url) else ""
        report = await runner.run(run.plan, run.target, token, run.identity, run_load)
        async with self.database.transaction() as session:
            await store.finish(session, run.identity, report, self.clock.now())
        verdict = report.verdict.value
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        logs.get().info("run_finished", run=run.identity, verdict=verdict, plan=run.plan.name)

    async def _record_failure(self, identity: str, error: Exception) -> None:
        await self._end(identity, "failed", f"{type(error).__name__}: {error}")

    async def _cancel_active(self, reason: str) -> None:
        if self._active is not None and self._active.identity in self._jobs:
            await self._jobs.cancel(self._active.identity)
            await self._end(self._active.identity, "cancelled", reason)

    async def _end(self, identity: str, status: store.EndStatus, reason: str) -> None:
        async with self.database.transaction() as session:
            await store.end(session, identity, status, reason, self.clock.now())
