"""Runs a remote worker, without database or port: `python -m seatrial_stress.worker`.

SEATRIAL_STRESS_URL is the stress service, SEATRIAL_TOKEN the token for it, with the scope `stress:work`, and for
the engine, with `engine:trade`, and SEATRIAL_STRESS_TARGETS lists the origins besides this machine that may be loaded.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from uuid import uuid4

from seatrial_core.clients import AsyncServiceClient, service_url, token_for
from seatrial_core.errors import StackNotRunning
from seatrial_core.variables import unknown_variables
from seatrial_service import logs
from seatrial_stress.load.remote_worker import RemoteWorker


async def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    url = service_url("stress")
    token = token_for(url)
    client = AsyncServiceClient("stress", url=url, token=token)
    # A restarted container has the same host name and pid; the suffix makes it a new worker.
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
    serving = asyncio.ensure_future(RemoteWorker(client, name, token).serve())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    logs.get().info("stress_worker_ready", name=name)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    finally:
        await client.close()


def main() -> int:
    """Run the worker and return the exit code."""
    logs.configure("stress-worker", "INFO")
    for sentence in unknown_variables(os.environ):
        logs.get().warning("unknown_variable", message=sentence)
    try:
        asyncio.run(run())
    except StackNotRunning as error:
        sys.stderr.write(f"stress-worker: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
