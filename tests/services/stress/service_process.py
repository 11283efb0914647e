"""Runs a service as a separate process, as an operator does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from tests.support.ports import free_port
from tests.support.waiting import wait_until

START_SECONDS = 60.0


@contextmanager
def service(name: str, database_url: str, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a service until the block ends; yield its process and address once it is ready."""
    port = free_port()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SEATRIAL_", "ALERT_"))}
    variables = {f"SEATRIAL_{name.upper()}_PORT": str(port), "SEATRIAL_DATABASE_URL": database_url, **settings}
    process = subprocess.Popen(
        [sys.executable, "-m", f"seatrial_{name}"], env={**inherited, **variables}, stdout=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_ready(address), START_SECONDS, process.poll)
        yield process, address
    finally:
        process.kill()
        process.wait()


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
