"""Real Locust runs of a few seconds against a small engine on this machine."""

import asyncio
import contextlib

import psutil
import pytest
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.waiting import wait_until_async

from seatrial_core.contracts.stress import CheckState, Slo, StressPlan, StressReport, Verdict
from seatrial_stress import runner
from seatrial_stress.plans import catalog

SHORT = StressPlan(
    name="short",
    rate_per_second=150,
    duration_seconds=3,
    warm_up_seconds=0.3,
    timeout_seconds=1,
    # Wide limits, because other tests run at the same time; the stall below asserts its quantiles.
    slos=(Slo(quantile=0.95, seconds=6.0), Slo(quantile=0.99, seconds=6.0)),
)


async def run(engine: TinyEngine, plan: StressPlan = SHORT) -> StressReport:
    with serving(engine) as address:
        return await runner.run(plan, address)


def states(report: StressReport) -> dict[str, CheckState]:
    return {check.name: check.state for check in report.checks}


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


async def test_good_engine_passes_and_leaves_no_process() -> None:
    before = children()

    report = await run(TinyEngine())

    assert report.verdict is Verdict.PASS, str(report.checks)
    assert report.exit_code == 0
    assert report.counts["scheduled"] == report.counts["ok"] > 301
    assert children() <= before


async def test_failing_exchange_and_repeated_orders_pass() -> None:
    failing = catalog.get("api_failure")
    plan = catalog.with_overrides(SHORT, repeat_ratio=failing.repeat_ratio, faults=failing.faults)

    report = await run(TinyEngine(), plan)

    assert report.verdict is Verdict.PASS, str(report.checks)
    assert states(report)["faults_injected"] is CheckState.PASS
    assert states(report)["idempotent_replay"] is CheckState.PASS
    assert report.counts["sent"] > report.counts["scheduled"]


async def test_engine_that_executes_a_repeated_order_twice_is_a_violation() -> None:
    plan = catalog.with_overrides(catalog.get("api_failure"), duration_seconds=2.0)

    report = await run(TinyEngine(is_idempotent=False), plan)

    assert report.verdict is Verdict.CONSISTENCY_VIOLATION
    assert states(report)["idempotent_replay"] is CheckState.VIOLATION
    assert states(report)["at_most_once"] is CheckState.VIOLATION


async def test_engine_that_loses_orders_is_a_consistency_violation() -> None:
    report = await run(TinyEngine(loses=40), catalog.with_overrides(SHORT, duration_seconds=2.0))

    assert report.verdict is Verdict.CONSISTENCY_VIOLATION
    assert report.exit_code == 2
    assert states(report)["no_lost_ack"] is CheckState.VIOLATION


async def test_hung_engine_is_not_green() -> None:
    plan = catalog.with_overrides(SHORT, duration_seconds=2.0, rate_per_second=40.0)

    report = await run(TinyEngine(hangs=True), plan)

    assert report.verdict in {Verdict.FAIL, Verdict.INVALID}
    assert report.response.p50 is None
    assert report.counts["ok"] == 0


@pytest.mark.parametrize("status", [400, 500])
async def test_engine_that_only_refuses_fails(status: int) -> None:
    report = await run(TinyEngine(status=status), catalog.with_overrides(SHORT, duration_seconds=2.0))

    assert report.verdict is Verdict.FAIL


async def test_engine_without_records_is_unknown() -> None:
    report = await run(TinyEngine(has_records=False))

    assert report.verdict is Verdict.INCONCLUSIVE
    assert states(report)["no_lost_ack"] is CheckState.UNKNOWN
    assert states(report)["fill_exactly_once"] is CheckState.UNKNOWN


async def test_stall_counts_for_every_request_scheduled_in_it() -> None:
    slos = (Slo(quantile=0.95, seconds=0.5), Slo(quantile=0.99, seconds=0.9))
    plan = catalog.with_overrides(SHORT, duration_seconds=4.0, timeout_seconds=5.0, slos=slos)

    report = await run(TinyEngine(stall=(1.0, 2.0)), plan)

    # A quarter of the requests were scheduled in the stall of one second and waited half a second on average.
    assert states(report)["signal_p95"] is not CheckState.PASS
    assert report.response.p99 is not None and 0.85 < report.response.p99 < 1.5
    assert report.response.p95 is not None and 0.65 < report.response.p95 < 1.5


async def test_killed_generator_is_invalid() -> None:
    before = children()
    with serving(TinyEngine()) as address:
        running = asyncio.create_task(runner.run(SHORT, address))
        await wait_until_async(lambda: children() - before)
        for generator in children() - before:
            generator.kill()
        report = await running

    assert report.verdict is Verdict.INVALID
    assert states(report)["workers"] is CheckState.INVALID


async def test_cancelled_run_leaves_no_process() -> None:
    before = children()
    with serving(TinyEngine()) as address:
        running = asyncio.create_task(runner.run(SHORT, address))
        await wait_until_async(lambda: children() - before)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    assert children() <= before
