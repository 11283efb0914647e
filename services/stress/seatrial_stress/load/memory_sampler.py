"""Samples the memory of the process that listens at a loopback target."""

import asyncio
import contextlib
from typing import Any

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
            if connection.pid and _is_listening(connection, origin.port):
                return _serving(psutil.Process(connection.pid), origin.port)
    return None


def _serving(process: psutil.Process, port: int) -> psutil.Process:
    # `seatrial up` holds the sockets of its services; the service is the child that has inherited the one of the port.
    for child in process.children():
        with contextlib.suppress(psutil.Error):
            if any(_is_listening(connection, port) for connection in child.net_connections("tcp")):
                return _serving(child, port)
    return process


def _is_listening(connection: Any, port: int) -> bool:  # Any: psutil has two types of connections
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port)


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
