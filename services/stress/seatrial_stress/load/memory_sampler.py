"""Watches the memory of the process that listens at a loopback target."""

import asyncio
import contextlib
from urllib.parse import urlsplit

import psutil

from seatrial_core.contracts.clock import Clock
from seatrial_service.settings import is_loopback
from seatrial_stress.checks.memory_growth import MemorySample

EVERY_SECONDS = 0.25


def process_at(target: str) -> psutil.Process | None:
    """Return the process that listens at a target, or None when it is elsewhere or not ours to see."""
    parts = urlsplit(target)
    if not is_loopback(parts.hostname or "") or parts.port is None:
        return None
    with contextlib.suppress(psutil.Error):
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == parts.port and each.pid:
                return psutil.Process(each.pid)
    return None


async def watch(target: str, clock: Clock, found: list[MemorySample]) -> None:
    """Add samples to a list until cancelled or until the process is gone."""
    process = await asyncio.to_thread(process_at, target)
    if process is None:
        return
    started = clock.monotonic()
    with contextlib.suppress(psutil.Error):
        while True:
            found.append(MemorySample(clock.monotonic() - started, process.memory_info().rss))
            await asyncio.sleep(EVERY_SECONDS)
