"""Starts the load generator's processes, waits for them, and says how each ended."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial_core.contracts.stress import StressPlan
from seatrial_stress.checks.generator import WorkerResult

SCENARIO = Path(__file__).parent / "scenario.py"
USER_CLASSES = {
    "high_frequency": "HighFrequency",
    "memory_under_load": "MemoryUnderLoad",
    "concurrent_trades": "ConcurrentTrades",
    "api_failure": "ApiFailure",
}
START_SECONDS = 20.0
STOP_SECONDS = 3.0
TAIL_BYTES = 2_000


@dataclass(frozen=True)
class LoadSpec:
    """What the processes of one run need."""

    plan: StressPlan
    target: str
    token: str
    folder: Path
    schedule: Path
    run: str = ""


async def drive(load: LoadSpec) -> list[WorkerResult]:
    """Run every worker to its end; whatever happens, none is left afterwards."""
    workers = [await start(load, number) for number in range(load.plan.workers)]
    plan = load.plan
    limit = START_SECONDS + plan.duration_seconds + 2 * plan.timeout_seconds + 5
    try:
        await asyncio.wait({asyncio.ensure_future(each.wait()) for each in workers}, timeout=limit)
    finally:
        await asyncio.shield(_end_all(workers))
    return [ended(load.folder, number, each.returncode) for number, each in enumerate(workers)]


def write_spec(load: LoadSpec, number: int, name: str | None = None) -> Path:
    """Write what one worker reads and return the file."""
    spec = {
        "schedule": str(load.schedule),
        "folder": str(load.folder),
        "worker": number,
        "workers": load.plan.workers,
        "timeout_seconds": load.plan.timeout_seconds,
    }
    path = load.folder / (name or f"spec-{number}.json")
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


def ended(folder: Path, number: int, code: int | None) -> WorkerResult:
    """Return how a worker ended, by its last word where it left one."""
    try:
        word = json.loads((folder / f"done-{number}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return WorkerResult(number, code, problems=(f"worker {number} left no last word{_tail(folder, number)}",))
    return WorkerResult(
        number,
        code,
        finished=True,
        journalled=word["journalled"],
        histogram_counts=tuple(word["histogram_counts"]),
        problems=tuple(word["problems"]),
        cpu_percent=tuple(word["cpu_percent"]),
        clock_step_seconds=word["clock_step_seconds"],
    )


def environment(spec: Path, token: str, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a worker's environment: nothing of Locust's that happens to be set, and no token but the engine's."""
    kept = {name: value for name, value in base.items() if not name.startswith(("LOCUST_", "SEATRIAL_"))}
    ours = {"SEATRIAL_STRESS_SPEC": str(spec), "SEATRIAL_STRESS_TOKEN": token}
    return {**kept, **ours, "SEATRIAL_STRESS_PARENT": str(os.getpid()), "PYTHONUNBUFFERED": "1"}


async def start(load: LoadSpec, number: int) -> asyncio.subprocess.Process:
    """Start the generator process of one worker."""
    spec = write_spec(load, number)
    arguments = ["-m", "locust", "-f", str(SCENARIO), "--headless", "-u", "1", "-r", "1", "--host", load.target]
    arguments += ["--only-summary", "--exit-code-on-error", "0", USER_CLASSES[load.plan.users]]
    with (load.folder / f"locust-{number}.log").open("wb") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=load.folder,
            env=environment(spec, load.token),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )


async def _end_all(workers: list[asyncio.subprocess.Process]) -> None:
    for each in workers:
        await end(each)


async def end(process: asyncio.subprocess.Process) -> None:
    """End a process and everything in its group: politely, then at once."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()


def _tail(folder: Path, number: int) -> str:
    with contextlib.suppress(OSError):
        lines = (folder / f"locust-{number}.log").read_bytes()[-TAIL_BYTES:].decode(errors="replace").splitlines()
        return f"; it said: {lines[-1].strip()[:200]}" if lines else ""
    return ""
