"""One run from plan to report; the same code for the service, the command line and the SDK."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.stress import StressPlan, StressReport
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.checks.memory_growth import MemorySample
from seatrial_stress.evaluation import FinishedLoad, evaluate
from seatrial_stress.load import processes
from seatrial_stress.load.memory_sampler import sample_memory
from seatrial_stress.load.spec import LoadSpec, run_folder
from seatrial_stress.load.tls import SYSTEM_TLS, TlsOptions

FLUSH_SECONDS = 0.3

RunLoad = Callable[[LoadSpec], Awaitable[list[WorkerResult]]]


def new_id() -> str:
    """Return a run's id, the prefix of each of its client order ids."""
    return uuid4().hex[:12]


async def run(
    plan: StressPlan,
    target: str,
    token: str = "",
    identity: str | None = None,
    run_load: RunLoad = processes.run_load,
    tls: TlsOptions = SYSTEM_TLS,
) -> StressReport:
    """Run a plan against an engine and return the report.

    Args:
        plan: What to send and which limits apply.
        target: The engine's origin; the caller checks that load may be sent there.
        token: Its bearer token, empty for none.
        identity: The run's id; a new one by default.
        run_load: Sends the load; generator processes on this machine by default.
        tls: How the certificate of an https:// target is verified.
    """
    identity = identity or new_id()
    clock = SystemClock()
    with run_folder(identity) as folder:
        load = LoadSpec(plan, target, token, folder, identity, tls)
        started_at = clock.now()
        samples: list[MemorySample] = []
        sampling = asyncio.create_task(sample_memory(target, clock, samples))
        try:
            workers = await run_load(load)
        finally:
            sampling.cancel()
            await asyncio.wait({sampling})
        # Orders that were answered last may still be on their way into the engine's records.
        await asyncio.sleep(FLUSH_SECONDS)
        return await evaluate(FinishedLoad(load, started_at, workers, samples))
