"""Samples the memory of the process that listens at a loopback target."""

import asyncio
import contextlib

import psutil

from seatrial_core.addresses import is_own_host, parse_origin
from seatrial_core.contracts.clock import Clock
from seatrial_stress.checks.memory_growth import MemorySample

INTERVAL_SECONDS = 0.25


def listening_process(target: str) -> psutil.Process | None:
    """Return the process that listens at a target, or None if it is remote or not accessible."""
    origin, _ = parse_origin(target)
    if not is_own_host(origin.host):
        return None
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            is_listening = connection.status == psutil.CONN_LISTEN and connection.pid
            if is_listening and connection.laddr and connection.laddr.port == origin.port:
                return psutil.Process(connection.pid)
    return None


async def sample_memory(target: str, clock: Clock, samples: list[MemorySample]) -> None:
    """Append samples to a list until cancelled or until the process exits."""
    process = await asyncio.to_thread(listening_process, target)
    if process is None:
        return
    started = clock.monotonic()
    with contextlib.suppress(psutil.Error):
        while True:
            samples.append(MemorySample(clock.monotonic() - started, process.memory_info().rss))
            await asyncio.sleep(INTERVAL_SECONDS)
