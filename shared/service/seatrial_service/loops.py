"""Background work of a service: loops that survive a failed iteration, one-off jobs, and their shutdown."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter

from seatrial_core import catalog
from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.errors import Unavailable
from seatrial_service import logs

STOP_TIMEOUT_SECONDS = 8.0
CANCEL_SECONDS = 0.5
FAILURE_BACKOFF = ExponentialBackoff(first_seconds=0.1, max_seconds=5.0)

Tick = Callable[[], Awaitable[bool | None]]


class StopSignal:
    """Cooperative shutdown signal, checked between iterations."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def is_set(self) -> bool:
        """Return whether the loops have to end."""
        return self._event.is_set()

    def set(self) -> None:
        """Ask every loop to end after its current iteration."""
        self._event.set()

    async def pause(self, seconds: float | None, wake: asyncio.Event | None = None) -> None:
        """Wait until the time is over (None: no limit), the signal is set, or `wake` is set."""
        events = [self._event] if wake is None else [self._event, wake]
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


@dataclass(frozen=True)
class LoopSchedule:
    """When the iterations of a loop run.

    Args:
        interval_seconds: The pause after an iteration; None waits for `wake` alone.
        wake: Ends that pause early; cleared before every iteration.
        first_pause_seconds: The pause before the first iteration; `wake` ends it early too.
        min_pause_seconds: A pause after every iteration that nothing but the stop signal ends early, so that many
            wake-ups in a short time share one iteration.
        backoff: The pauses after failures in a row, at most `interval_seconds`; None treats a failure like a success.
    """

    interval_seconds: float | None
    wake: asyncio.Event | None = None
    first_pause_seconds: float = 0.0
    min_pause_seconds: float = 0.0
    backoff: ExponentialBackoff | None = FAILURE_BACKOFF


@dataclass
class BackgroundLoop:
    """Calls one function again and again until the stop signal is set.

    An iteration that raises is logged and counted, and the loop continues. Errors that are expected are logged once
    per outage, others every time and with their traceback.

    Args:
        name: The name in logs and in the label `loop` of `background_loop_failures_total`.
        tick: One iteration; returning True runs the next one without waiting for the interval.
        schedule: When the iterations run.
        expected: Errors of an outage.
        on_stop: Called when the stop signal is set, to end an iteration that waits for something else.
        on_end: Called after the last iteration.
    """

    name: str
    tick: Tick
    schedule: LoopSchedule
    expected: tuple[type[Exception], ...] = (Unavailable,)
    on_stop: Callable[[], None] | None = None
    on_end: Callable[[], None] | None = None
    problem: str | None = field(default=None, init=False)  # of the last iteration, None if it succeeded
    failures: int = field(default=0, init=False)  # in a row
    failures_total: int = field(default=0, init=False)

    async def run(self, stop: StopSignal, failed: Callable[[str, Exception], None] = lambda _, __: None) -> None:
        """Iterate until the signal is set; `failed` is called with the loop's name and every error."""
        schedule = self.schedule
        try:
            if schedule.first_pause_seconds:
                await stop.pause(schedule.first_pause_seconds, schedule.wake)
            while not stop.is_set():
                if schedule.wake is not None:
                    schedule.wake.clear()
                again = await self._iterate(failed)
                await self._pause(stop, again)
        finally:
            if self.on_end is not None:
                self.on_end()

    async def _iterate(self, failed: Callable[[str, Exception], None]) -> bool:
        try:
            again = await self.tick()
        except Exception as error:
            self.failures += 1
            self.failures_total += 1
            failed(self.name, error)
            self._log(error)
            return False
        self.failures, self.problem = 0, None
        return again is True

    async def _pause(self, stop: StopSignal, again: bool) -> None:
        schedule = self.schedule
        if self.failures and schedule.backoff is not None:
            pause = schedule.backoff.pause_seconds(self.failures)
            if schedule.interval_seconds is not None:
                pause = min(pause, schedule.interval_seconds)
            await stop.pause(pause)
            return
        if schedule.min_pause_seconds:
            await stop.pause(schedule.min_pause_seconds)
        if not again:
            await stop.pause(schedule.interval_seconds, schedule.wake)

    def _log(self, error: Exception) -> None:
        problem = str(error) or type(error).__name__
        if not isinstance(error, self.expected):
            logs.get().error("background_loop_failed", loop=self.name, exc_info=error)
        elif problem != self.problem:
            logs.get().warning("background_loop_waits", loop=self.name, reason=problem)
        self.problem = problem


class BackgroundJobs:
    """Runs one-off jobs next to the requests."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._tasks

    def start(
        self, name: str, job: Callable[[], Awaitable[None]], on_failure: Callable[[Exception], Awaitable[None]]
    ) -> None:
        """Start a job.

        Args:
            name: The name in logs; no running job has it.
            job: The work; it may be cancelled.
            on_failure: Called with whatever error the job raises, after it was logged with its traceback.
        """
        if name in self._tasks:
            raise ValueError(f"a job named {name!r} is running; use another name")
        task = asyncio.create_task(self._run(name, job, on_failure), name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def cancel(self, name: str) -> None:
        """Cancel a job and wait for its end; does nothing if no such job is running."""
        task = self._tasks.get(name)
        if task is not None:
            await cancel([task])

    async def close(self) -> None:
        """Cancel every job and wait for its end."""
        await cancel(list(self._tasks.values()))

    async def _run(
        self, name: str, job: Callable[[], Awaitable[None]], on_failure: Callable[[Exception], Awaitable[None]]
    ) -> None:
        try:
            await job()
        except Exception as error:
            logs.get().error("background_job_failed", job=name, exc_info=error)
            await on_failure(error)


@contextlib.asynccontextmanager
async def running(
    loops: Sequence[BackgroundLoop], registry: CollectorRegistry, stop: StopSignal | None = None
) -> AsyncIterator[None]:
    """Run loops while the block lasts, then set the stop signal and cancel only what does not end in time.

    Args:
        loops: The loops.
        registry: Where `background_loop_failures_total` is registered.
        stop: The signal to use, for iterations that have to check it themselves; a new one by default.
    """
    signal = stop or StopSignal()
    failures = _failure_counter(loops, registry)
    tasks = [
        asyncio.create_task(loop.run(signal, lambda name, _: failures.labels(name).inc()), name=loop.name)
        for loop in loops
    ]
    try:
        yield
    finally:
        signal.set()
        for loop in loops:
            if loop.on_stop is not None:
                loop.on_stop()
        late: set[asyncio.Task[None]] = set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_TIMEOUT_SECONDS)
        if late:
            logs.get().warning("background_loops_cancelled", loops=sorted(task.get_name() for task in late))
        await cancel(late)
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until every one has ended; a library may swallow a single cancellation."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_SECONDS)


def _failure_counter(loops: Sequence[BackgroundLoop], registry: CollectorRegistry) -> Counter:
    metric = catalog.LOOP_FAILURES
    counter = Counter(metric.name.removesuffix("_total"), metric.help, metric.labels, registry=registry)
    for loop in loops:
        counter.labels(loop.name)
    return counter
