"""A remote worker: polls the stress service for an assignment, runs it and hands in the journal."""

import asyncio
import contextlib
import json
from collections.abc import Iterator

from seatrial_core.clients import AsyncServiceClient
from seatrial_core.errors import Forbidden, PeerUnreachable, SeatrialError, ValidationFailed
from seatrial_service import logs
from seatrial_stress.load import processes
from seatrial_stress.load.spec import LoadSpec, run_folder
from seatrial_stress.load.worker_protocol import (
    MAX_LINES,
    HeartbeatReply,
    JournalPart,
    PolledAssignment,
    WorkerAssignment,
    WorkerSummary,
)
from seatrial_stress.plans import targets

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 1.0
ATTEMPTS = 4


class RemoteWorker:
    """One worker.

    Args:
        client: Calls the stress service.
        name: Its name there, unique among the workers.
        token: The engine's token, used only if the assignment says so.
    """

    def __init__(self, client: AsyncServiceClient, name: str, token: str) -> None:
        self._client = client
        self._path = f"/v1/workers/{name}"
        self._token = token

    async def serve(self) -> None:
        """Poll for assignments and run them until cancelled; an unreachable service is polled again."""
        while True:
            try:
                polled = await self._client.fetch("POST", f"{self._path}/assignment", PolledAssignment)
                if polled.root is not None:
                    await self._run(polled.root)
            except SeatrialError as error:
                logs.get().warning("stress_worker_failed", error=error.detail)
            await asyncio.sleep(POLL_SECONDS)

    async def _run(self, assignment: WorkerAssignment) -> None:
        try:
            target = targets.require_allowed(assignment.target, targets.allowed_in_environment())
        except (Forbidden, ValidationFailed):
            await self._send("end", WorkerSummary(run=assignment.run, exit_code=None, summary=None))
            raise
        with run_folder(assignment.run) as folder:
            token = self._token if assignment.with_token else ""
            load = LoadSpec(assignment.plan, target, token, folder, assignment.run)
            process = await processes.start(load, assignment.number)
            try:
                if not await self._wait(process, assignment):
                    return
            finally:
                await processes.terminate(process)
            await self._hand_in(load, assignment.number, process.returncode)
        logs.get().info("stress_worker_done", run=assignment.run, number=assignment.number)

    async def _wait(self, process: asyncio.subprocess.Process, assignment: WorkerAssignment) -> bool:
        # Sends heartbeats until the generator exits; False if the run is over before.
        exited = asyncio.ensure_future(process.wait())
        while not exited.done():
            with contextlib.suppress(PeerUnreachable):
                path = f"{self._path}/runs/{assignment.run}/beat"
                if not (await self._client.fetch("POST", path, HeartbeatReply)).go_on:
                    exited.cancel()
                    return False
            await asyncio.wait({exited}, timeout=HEARTBEAT_SECONDS)
        return True

    async def _hand_in(self, load: LoadSpec, number: int, exit_code: int | None) -> None:
        summary = None
        with contextlib.suppress(OSError, ValueError):
            lines = load.journal(number).read_text(encoding="utf-8").splitlines()
            for part in _parts(load.run, lines):
                await self._send("journal", part)
            summary = json.loads(load.summary(number).read_text(encoding="utf-8"))
        await self._send("end", WorkerSummary(run=load.run, exit_code=exit_code, summary=summary))

    async def _send(self, route: str, message: JournalPart | WorkerSummary) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                body = message.model_dump(mode="json", by_alias=True)
                await self._client.request("POST", f"{self._path}/{route}", body=body)
            except PeerUnreachable:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(POLL_SECONDS)
            else:
                return


def _parts(run: str, lines: list[str]) -> Iterator[JournalPart]:
    for number, first in enumerate(range(0, len(lines), MAX_LINES)):
        yield JournalPart(run=run, part=number, lines=lines[first : first + MAX_LINES])
