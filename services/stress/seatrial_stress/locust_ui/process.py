"""The Locust process that serves its web page on a private loopback port, and the runs started in it."""

import asyncio
import contextlib
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import httpx

from seatrial_service import logs
from seatrial_service.loops import BackgroundLoop, LoopSchedule
from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load import processes
from seatrial_stress.load.processes import USER_CLASSES
from seatrial_stress.load.results import read_result
from seatrial_stress.load.spec import LoadSpec, worker_spec, write_spec

RESTART_SECONDS = 1.0
POLL_SECONDS = 0.2
READY_SECONDS = 20.0
HTTP_TIMEOUT_SECONDS = 10.0
SECRET_HEADER = "Seatrial-Page-Secret"
SECRET_VARIABLE = "SEATRIAL_STRESS_PAGE_SECRET"
DESCRIPTOR_VARIABLE = "SEATRIAL_STRESS_PAGE_DESCRIPTOR"
BACKLOG = 128


class LocustProcess:
    """The Locust process with the web page, started by its loop.

    Args:
        engine_url: The host that its start form suggests.
    """

    def __init__(self, engine_url: str) -> None:
        self.engine_url = engine_url
        self.folder = Path(tempfile.mkdtemp(prefix="seatrial-locust-"))
        self._secret = secrets.token_urlsafe(32)  # every local user reaches the port, only we know the secret
        self.http = httpx.AsyncClient(
            timeout=HTTP_TIMEOUT_SECONDS, headers={SECRET_HEADER: self._secret}, trust_env=False
        )
        self._spec = self.folder / "spec.json"
        self._listener = _listener()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        write_spec(self._spec, {})
        self.http.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def loop(self) -> BackgroundLoop:
        """Return the loop that runs the process and restarts it when it exits."""
        schedule = LoopSchedule(RESTART_SECONDS)
        return BackgroundLoop("locust_page", self._run_process, schedule, on_stop=self._stopping.set)

    async def close(self) -> None:
        """Close the client and remove the files, after the loop has ended."""
        await self.http.aclose()
        self._listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def run_load(self, load: LoadSpec) -> list[WorkerResult]:
        """Run a plan in this process, as one worker whatever the plan says."""
        spec = {**worker_spec(load, 0), "workers": 1, "token": load.token}
        write_spec(self._spec, spec)
        process = self._process
        limit = READY_SECONDS + load.plan.duration_seconds + 2 * load.plan.timeout_seconds
        try:
            await self._start_swarm(load)
            async with asyncio.timeout(limit):
                while not load.summary(0).exists() and process is not None and process.returncode is None:
                    await asyncio.sleep(POLL_SECONDS)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            logs.get().warning("locust_page_run_failed", error=f"{type(error).__name__}: {error}")
        finally:
            write_spec(self._spec, {})
            with contextlib.suppress(httpx.HTTPError):
                await asyncio.shield(self.http.post("/stop"))
        # The process keeps running after the run; 0 means that it was alive until the end.
        exit_code = 0 if process is not None and process.returncode is None else -1
        return [read_result(load, 0, exit_code)]

    async def _start_swarm(self, load: LoadSpec) -> None:
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

    async def _run_process(self) -> None:
        arguments = ["--class-picker", "--host", self.engine_url, "--loglevel", "WARNING"]
        arguments += ["--web-host", "127.0.0.1", "--web-port", str(self._listener.getsockname()[1])]
        descriptor = self._listener.fileno()
        variables = {
            **processes.environment(self._spec, ""),
            SECRET_VARIABLE: self._secret,
            DESCRIPTOR_VARIABLE: str(descriptor),
        }
        log = self.folder / "locust.log"
        process = await processes.start_locust(arguments, self.folder, log, variables, [descriptor])
        self._process = process
        waits = [asyncio.create_task(process.wait()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await processes.terminate(process)
        if not self._stopping.is_set():
            logs.get().warning("locust_page_exited", exit_code=process.returncode)


def _listener() -> socket.socket:
    # Held by us, so that no other program can answer there, and receive the secret, while Locust does not run.
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
