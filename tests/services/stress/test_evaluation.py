"""The evaluation of a large run leaves the event loop of the stress service free, and ends with its caller."""

import asyncio
import json
from pathlib import Path

import psutil
import pytest
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.loop_times import measured_loop
from tests.support.waiting import wait_until_async

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.stress import Slo, StressPlan
from seatrial_stress.evaluation import FinishedLoad, evaluate
from seatrial_stress.load.spec import LoadSpec

REQUESTS = 60_000
PLAN = StressPlan(name="large", rate_per_second=200, duration_seconds=300, slos=(Slo(quantile=0.95, seconds=6.0),))
MAX_STALL_SECONDS = 0.4  # 2 s and more in the loop's process, with its collections of garbage
MAX_MEDIAN_SECONDS = 0.02


def finished_load(folder: Path, target: str) -> FinishedLoad:
    """Return a run of one worker whose journal has many requests."""
    spec = LoadSpec(PLAN, target, "", folder, "large")
    with spec.journal(0).open("w", encoding="utf-8") as lines:
        for number in range(REQUESTS):
            at = number / 200
            row = {"key": f"large-{number}", "number": 0}
            intent = {**row, "event": "intent", "operation": "signal", "fault": None, "intended": at, "sent": at}
            outcome = {"outcome": "ok", "order_id": f"o{number}", "order_status": "filled", "reason": None}
            lines.write(json.dumps(intent) + "\n" + json.dumps({**row, "event": "outcome", "finished": at, **outcome}))
            lines.write("\n")
    return FinishedLoad(spec, SystemClock().now(), (), ())


async def test_evaluation_of_many_requests_leaves_the_loop_free(tmp_path: Path) -> None:
    with serving(TinyEngine()) as address:
        load = finished_load(tmp_path, address)
        async with measured_loop() as loop:
            report = await evaluate(load)

    assert report.counts["sent"] == REQUESTS
    assert (loop.longest < MAX_STALL_SECONDS, loop.median < MAX_MEDIAN_SECONDS) == (True, True), loop.longest


async def test_cancelled_evaluation_leaves_no_process(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    with serving(TinyEngine()) as address:
        running = asyncio.create_task(evaluate(finished_load(tmp_path, address)))
        await wait_until_async(lambda: bool(set(psutil.Process().children()) - before))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert set(psutil.Process().children()) <= before
