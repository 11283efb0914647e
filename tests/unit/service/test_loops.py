"""Background loops survive failed iterations, and shutdown ends them between iterations."""

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.errors import DatabaseUnreachable
from seatrial_service import loops
from seatrial_service.loops import BackgroundJobs, BackgroundLoop, LoopSchedule, StopSignal

QUICK = LoopSchedule(interval_seconds=0.001, backoff=ExponentialBackoff(0.001, 0.001))


class Ticks:
    """Counts iterations, raises what it is given, and announces a number of iterations."""

    def __init__(self, errors: list[Exception] | None = None, announce_at: int = 1) -> None:
        self.errors = errors or []
        self.announce_at = announce_at
        self.count = 0
        self.reached = asyncio.Event()

    async def tick(self) -> None:
        self.count += 1
        if self.count >= self.announce_at:
            self.reached.set()
        if self.errors:
            raise self.errors.pop(0)


class RecordingSignal(StopSignal):
    """Records the pauses instead of waiting, and stops after a number of them."""

    def __init__(self, stop_after: int) -> None:
        super().__init__()
        self.pauses: list[float | None] = []
        self._stop_after = stop_after

    async def pause(self, seconds: float | None, wake: asyncio.Event | None = None) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) == self._stop_after:
            self.set()


async def within(seconds: float, event: asyncio.Event) -> None:
    async with asyncio.timeout(seconds):
        await event.wait()


async def test_a_failed_iteration_is_logged_and_counted_and_the_loop_continues() -> None:
    registry, ticks = CollectorRegistry(), Ticks([RuntimeError("broken")], announce_at=2)
    loop = BackgroundLoop("repair", ticks.tick, QUICK)

    with capture_logs() as logged:
        async with loops.running([loop], registry):
            await within(10.0, ticks.reached)

    assert registry.get_sample_value("background_loop_failures_total", {"loop": "repair"}) == 1.0
    (entry,) = logged
    assert (entry["event"], entry["loop"], entry["log_level"]) == ("background_loop_failed", "repair", "error")
    assert isinstance(entry["exc_info"], RuntimeError)


async def test_an_outage_is_logged_once_and_without_a_traceback() -> None:
    away: list[Exception] = [DatabaseUnreachable("the database does not answer") for _ in range(3)]
    registry, ticks = CollectorRegistry(), Ticks(away, announce_at=4)
    loop = BackgroundLoop("repair", ticks.tick, QUICK)

    with capture_logs() as logged:
        async with loops.running([loop], registry):
            await within(10.0, ticks.reached)

    (entry,) = logged
    assert entry == {
        "event": "background_loop_waits",
        "loop": "repair",
        "log_level": "warning",
        "reason": "the database does not answer",
    }
    assert registry.get_sample_value("background_loop_failures_total", {"loop": "repair"}) == 3.0


async def test_the_problem_is_shown_until_an_iteration_succeeds() -> None:
    problems: list[tuple[str | None, int]] = []
    failures: list[Exception] = [DatabaseUnreachable("away"), DatabaseUnreachable("away")]
    reached = asyncio.Event()

    async def tick() -> None:
        problems.append((loop.problem, loop.failures))
        if len(problems) == 4:
            reached.set()
        if failures:
            raise failures.pop()

    loop = BackgroundLoop("repair", tick, QUICK)
    async with loops.running([loop], CollectorRegistry()):
        await within(10.0, reached)

    assert problems[:4] == [(None, 0), ("away", 1), ("away", 2), (None, 0)]


async def test_pauses_grow_with_failures_in_a_row_up_to_the_interval() -> None:
    failures: list[Exception] = [DatabaseUnreachable("away") for _ in range(4)]
    schedule = LoopSchedule(interval_seconds=3.0, backoff=ExponentialBackoff(0.5, 60.0))
    stop = RecordingSignal(stop_after=5)

    await BackgroundLoop("repair", Ticks(failures).tick, schedule).run(stop)

    assert stop.pauses == [0.5, 1.0, 2.0, 3.0, 3.0]  # the last one is the interval after a success


async def test_a_loop_without_back_off_pauses_for_its_interval_after_a_failure() -> None:
    schedule = LoopSchedule(interval_seconds=3.0, backoff=None)
    stop = RecordingSignal(stop_after=1)

    await BackgroundLoop("repair", Ticks([RuntimeError("broken")]).tick, schedule).run(stop)

    assert stop.pauses == [3.0]


async def test_the_first_and_the_shortest_pause_are_kept() -> None:
    schedule = LoopSchedule(interval_seconds=3.0, first_pause_seconds=7.0, min_pause_seconds=0.1)
    stop = RecordingSignal(stop_after=4)

    await BackgroundLoop("drain", Ticks().tick, schedule).run(stop)

    assert stop.pauses == [7.0, 0.1, 3.0, 0.1, 3.0]


async def test_a_wake_event_ends_the_pause() -> None:
    wake, ticks = asyncio.Event(), Ticks(announce_at=2)
    loop = BackgroundLoop("waiter", ticks.tick, LoopSchedule(interval_seconds=None, wake=wake))

    async with loops.running([loop], CollectorRegistry()):
        while ticks.count < 1:
            await asyncio.sleep(0)
        wake.set()
        await within(10.0, ticks.reached)

    assert ticks.count == 2


async def test_an_iteration_that_returns_true_is_followed_by_the_next_at_once() -> None:
    counts: list[int] = []
    done = asyncio.Event()

    async def tick() -> bool:
        counts.append(len(counts))
        if len(counts) == 3:
            done.set()
        return len(counts) < 3

    loop = BackgroundLoop("drain", tick, LoopSchedule(interval_seconds=None))
    async with loops.running([loop], CollectorRegistry()):
        await within(10.0, done)

    assert counts == [0, 1, 2]


async def test_stop_waits_for_the_current_iteration() -> None:
    began, release, ended = asyncio.Event(), asyncio.Event(), []

    async def tick() -> None:
        began.set()
        await release.wait()
        ended.append("tick")

    async with loops.running(
        [BackgroundLoop("work", tick, QUICK, on_stop=release.set, on_end=lambda: ended.append("end"))],
        CollectorRegistry(),
    ):
        await within(10.0, began)

    assert ended == ["tick", "end"]


async def test_an_iteration_that_does_not_end_in_time_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "STOP_TIMEOUT_SECONDS", 0.01)
    began, swallowed = asyncio.Event(), []

    async def tick() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.append(True)
            await asyncio.Event().wait()  # the second cancellation ends it

    async with loops.running([BackgroundLoop("stuck", tick, QUICK)], CollectorRegistry()):
        await within(10.0, began)

    assert swallowed == [True]


async def test_no_iteration_begins_after_the_stop_signal() -> None:
    stop, ticks = StopSignal(), Ticks()
    stop.set()

    await BackgroundLoop("late", ticks.tick, QUICK).run(stop)

    assert ticks.count == 0


async def test_a_failed_job_is_reported_and_frees_its_name() -> None:
    jobs, errors, reported = BackgroundJobs(), [], asyncio.Event()

    async def job() -> None:
        raise RuntimeError("broken")

    async def on_failure(error: Exception) -> None:
        errors.append(str(error))
        reported.set()

    jobs.start("one", job, on_failure)
    assert "one" in jobs
    await within(10.0, reported)
    await jobs.close()

    assert errors == ["broken"]
    assert "one" not in jobs


@pytest.mark.parametrize("end", [lambda jobs: jobs.close(), lambda jobs: jobs.cancel("one")], ids=["close", "cancel"])
async def test_closing_cancels_a_job_without_reporting_it(
    end: Callable[[BackgroundJobs], "asyncio.Future[None]"],
) -> None:
    jobs, began, failures = BackgroundJobs(), asyncio.Event(), []

    async def job() -> None:
        began.set()
        await asyncio.Event().wait()

    async def on_failure(error: Exception) -> None:
        failures.append(error)

    jobs.start("one", job, on_failure)
    await within(10.0, began)
    await end(jobs)

    assert failures == []
    assert "one" not in jobs


async def test_two_jobs_of_one_name_do_not_run_together() -> None:
    jobs = BackgroundJobs()

    async def job() -> None:
        await asyncio.Event().wait()

    async def on_failure(error: Exception) -> None:
        raise error

    jobs.start("one", job, on_failure)
    with pytest.raises(ValueError, match="'one' is running"):
        jobs.start("one", job, on_failure)
    await jobs.close()
