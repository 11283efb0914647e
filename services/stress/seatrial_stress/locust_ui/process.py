"""Keeps Locust's own page standing on a private loopback port, and runs a plan in the process that shows it."""

import asyncio
import contextlib
import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import httpx

from seatrial_service import logs
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load import processes
from seatrial_stress.load.processes import USER_CLASSES, LoadSpec

PAUSE_SECONDS = 1.0
POLL_SECONDS = 0.2
READY_SECONDS = 20.0
CALL_SECONDS = 10.0
SPEC = "current.json"


class LocustPage:
    """The standing Locust process.

    Args:
        engine_url: What its form suggests as the host.
    """

    def __init__(self, engine_url: str) -> None:
        self.engine_url = engine_url
        self.folder = Path(tempfile.mkdtemp(prefix="seatrial-locust-"))
        self.http = httpx.AsyncClient(timeout=CALL_SECONDS)
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process, and start it again whenever it ends."""
        (self.folder / SPEC).write_text("{}", encoding="utf-8")
        port = _free_port()
        self.http.base_url = f"http://127.0.0.1:{port}"
        self._keeper = asyncio.create_task(self._keep(port))

    async def stop(self) -> None:
        """End the process for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._process is not None:
            await processes.end(self._process)
        await self.http.aclose()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def drive(self, load: LoadSpec) -> list[WorkerResult]:
        """Run a plan in the standing process and say how that ended; one worker, whatever the plan says."""
        spec = {
            **json.loads(processes.write_spec(load, 0).read_text(encoding="utf-8")),
            "workers": 1,
            "token": load.token,
        }
        (self.folder / SPEC).write_text(json.dumps(spec), encoding="utf-8")
        process = self._process
        try:
            await self._swarm(load)
            limit = READY_SECONDS + load.plan.duration_seconds + 2 * load.plan.timeout_seconds
            async with asyncio.timeout(limit):
                while not (load.folder / "done-0.json").exists() and process is not None and process.returncode is None:
                    await asyncio.sleep(POLL_SECONDS)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            logs.get().warning("locust_page_run_failed", error=f"{type(error).__name__}: {error}")
        finally:
            (self.folder / SPEC).write_text("{}", encoding="utf-8")
            with contextlib.suppress(httpx.HTTPError):
                await asyncio.shield(self.http.post("/stop"))
        # The process goes on standing; what counts is whether it was there to the end of the run.
        code = 0 if process is not None and process.returncode is None else -1
        return [processes.ended(load.folder, 0, code)]

    async def _swarm(self, load: LoadSpec) -> None:
        form = {
            "user_count": "1",
            "spawn_rate": "1",
            "host": load.target,
            "user_classes": USER_CLASSES[load.plan.users],
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = (await self.http.post("/swarm", content=urlencode(form), headers=headers)).json()
        if not answer.get("success"):
            raise ValueError(f"Locust did not start: {answer.get('message')}")

    async def _keep(self, port: int) -> None:
        arguments = ["-m", "locust", "-f", str(processes.SCENARIO), "--class-picker", "--host", self.engine_url]
        arguments += ["--web-host", "127.0.0.1", "--web-port", str(port), "--loglevel", "WARNING"]
        while True:
            with (self.folder / "locust.log").open("wb") as output:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *arguments,
                    cwd=self.folder,
                    env=processes.environment(self.folder / SPEC, ""),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                )
            code = await self._process.wait()
            logs.get().warning("locust_page_ended", code=code)
            await asyncio.sleep(PAUSE_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
