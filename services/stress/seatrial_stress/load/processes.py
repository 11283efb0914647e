"""Starts, awaits and terminates generator processes on this machine."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from seatrial_core.child_environment import allowed
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load.results import read_result
from seatrial_stress.load.spec import LoadSpec, worker_spec, write_spec

SCENARIO = Path(__file__).parent / "scenario.py"
USER_CLASSES = {
    "high_frequency": "HighFrequency",
    "memory_under_load": "MemoryUnderLoad",
    "concurrent_trades": "ConcurrentTrades",
    "api_failure": "ApiFailure",
}
START_SECONDS = 20.0
END_MARGIN_SECONDS = 5.0
TERMINATE_SECONDS = 3.0


async def run_load(load: LoadSpec) -> list[WorkerResult]:
    """Run every generator process to its end; none is left running, even on cancellation."""
    plan = load.plan
    limit = START_SECONDS + plan.duration_seconds + 2 * plan.timeout_seconds + END_MARGIN_SECONDS
    processes: list[asyncio.subprocess.Process] = []
    try:
        for number in range(plan.workers):
            processes.append(await start(load, number))  # noqa: PERF401  # a failed start must terminate the others
        await asyncio.wait({asyncio.ensure_future(process.wait()) for process in processes}, timeout=limit)
    finally:
        await terminate(*processes)
    return [read_result(load, number, process.returncode) for number, process in enumerate(processes)]


async def start(load: LoadSpec, number: int) -> asyncio.subprocess.Process:
    """Start the generator process of one worker."""
    spec = load.folder / f"spec-{number}.json"
    write_spec(spec, worker_spec(load, number))
    options = ["--headless", "-u", "1", "-r", "1", "--host", load.target, "--only-summary", "--exit-code-on-error", "0"]
    arguments = [*options, USER_CLASSES[load.plan.users]]
    return await start_locust(arguments, load.folder, load.log(number), environment(spec, load.token))


async def start_locust(
    arguments: Sequence[str], folder: Path, log: Path, variables: Mapping[str, str], descriptors: Sequence[int] = ()
) -> asyncio.subprocess.Process:
    """Start Locust with our scenario in a process group.

    Args:
        arguments: Locust's command-line options.
        folder: The working folder.
        log: The file for its output; overwritten.
        variables: Its whole environment.
        descriptors: Descriptors of this process that it inherits.
    """
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "locust", "-f", str(SCENARIO), *arguments),
            cwd=folder,
            env=variables,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            pass_fds=descriptors,
        )


def environment(spec: Path, token: str, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a generator's environment: what every program needs, and of all secrets only the engine's token."""
    ours = {"SEATRIAL_STRESS_SPEC": str(spec), "SEATRIAL_STRESS_TOKEN": token}
    return {**allowed(base), **ours, "SEATRIAL_STRESS_PARENT": str(os.getpid()), "PYTHONUNBUFFERED": "1"}


async def terminate(*processes: asyncio.subprocess.Process) -> None:
    """Terminate process groups with SIGTERM, then SIGKILL after three seconds, even if cancelled meanwhile."""
    ending = asyncio.gather(*(_terminate(process) for process in processes))
    is_cancelled = False
    while not ending.done():
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        raise asyncio.CancelledError


async def _terminate(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TERMINATE_SECONDS):
                await process.wait()
