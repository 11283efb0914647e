"""A generator in a container of its own: `python -m seatrial_stress.worker` asks the stress service for work.

It needs no database and listens nowhere. SEATRIAL_STRESS_URL names the service, SEATRIAL_TOKEN is the token for it and
for the engine, SEATRIAL_STRESS_TARGETS the origins that load may go to beside this machine.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from itertools import count
from pathlib import Path
from uuid import uuid4

from seatrial_core.clients import AsyncServiceClient, find_token, service_url
from seatrial_core.errors import Forbidden, PeerUnreachable, SeatrialError
from seatrial_service import logs
from seatrial_stress import runner
from seatrial_stress.load import processes
from seatrial_stress.load.fleet import MAX_LINES, JournalPart, WorkerAssignment, WorkerSummary
from seatrial_stress.plans import targets

ASK_SECONDS = 0.5
BEAT_SECONDS = 1.0
ATTEMPTS = 4


class LoadWorker:
    """One worker.

    Args:
        client: Calls the stress service.
        name: What it is called there; unique in the fleet.
        token: The engine's token, used only when the service says so.
    """

    def __init__(self, client: AsyncServiceClient, name: str, token: str) -> None:
        self._client = client
        self._path = f"/v1/workers/{name}"
        self._token = token

    async def serve(self) -> None:
        """Ask for work and do it, until cancelled; a service that is away is asked again."""
        while True:
            try:
                found = await self._client.request("POST", f"{self._path}/assignment")
                if found is not None:
                    await self._work(WorkerAssignment.model_validate(found))
            except SeatrialError as error:
                logs.get().warning("stress_worker", error=error.detail)
            await asyncio.sleep(ASK_SECONDS)

    async def _work(self, job: WorkerAssignment) -> None:
        try:
            target = targets.allowed(job.target, targets.named_in_environment())
        except Forbidden:
            await self._hand_in("end", WorkerSummary(run=job.run, exit_code=None, word=None))
            raise
        with runner.folder_of(job.run) as folder:
            token = self._token if job.with_token else ""
            load = runner.prepare(job.plan, target, token, folder, job.run)
            process = await processes.start(load, job.number)
            try:
                if not await self._watch(process, job):
                    return
            finally:
                await asyncio.shield(processes.end(process))
            await self._tell(job, folder, process.returncode)
        logs.get().info("stress_worker_done", run=job.run, number=job.number)

    async def _watch(self, process: asyncio.subprocess.Process, job: WorkerAssignment) -> bool:
        """Wait for the generator, telling the service all along that it lives; False when the run is no more."""
        ending = asyncio.ensure_future(process.wait())
        while not ending.done():
            with contextlib.suppress(PeerUnreachable):
                if not (await self._client.request("POST", f"{self._path}/runs/{job.run}/beat"))["go_on"]:
                    ending.cancel()
                    return False
            await asyncio.wait({ending}, timeout=BEAT_SECONDS)
        return True

    async def _tell(self, job: WorkerAssignment, folder: Path, code: int | None) -> None:
        word = None
        with contextlib.suppress(OSError, ValueError):
            lines = (folder / f"journal-{job.number}.jsonl").read_text(encoding="utf-8").splitlines()
            for part, first in zip(count(), range(0, len(lines), MAX_LINES), strict=False):
                await self._hand_in(
                    "journal", JournalPart(run=job.run, part=part, lines=lines[first : first + MAX_LINES])
                )
            word = json.loads((folder / f"done-{job.number}.json").read_text(encoding="utf-8"))
        await self._hand_in("end", WorkerSummary(run=job.run, exit_code=code, word=word))

    async def _hand_in(self, what: str, document: JournalPart | WorkerSummary) -> None:
        for attempt in range(ATTEMPTS):
            try:
                await self._client.request("POST", f"{self._path}/{what}", body=document.model_dump(mode="json"))
            except PeerUnreachable:
                if attempt + 1 == ATTEMPTS:
                    raise
                await asyncio.sleep(ASK_SECONDS)
            else:
                return


async def run() -> None:
    """Work until SIGTERM or SIGINT."""
    token = find_token()
    client = AsyncServiceClient("stress", url=service_url("stress"), token=token)
    # A container that starts again has the host and pid of before, and must not be taken for itself.
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
    working = asyncio.ensure_future(LoadWorker(client, name, token).serve())
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, working.cancel)
    logs.get().info("stress_worker_ready", name=name)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await working
    finally:
        await client.close()


def main() -> int:
    """Work until told to stop; return the exit code."""
    logs.configure("stress-worker", "INFO")
    asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
