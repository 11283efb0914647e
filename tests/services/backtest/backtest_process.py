"""A backtest service in a separate process, with a strategy from an installed package that waits for a file."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from tests.support.ports import free_port
from tests.support.waiting import wait_until

MODULE = """
import os, time
from pathlib import Path
import numpy as np
from pydantic import BaseModel, ConfigDict
from seatrial_trading.strategy.protocol import ArrayStrategy
from seatrial_trading.strategy.signals import Signals

class Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int = 0

def compute(candles, params):
    folder = Path(os.environ["WAITING_FOLDER"])
    with open(folder / "calls", "a") as calls:
        calls.write(f"{os.getpid()} {params.number}\\n")
    while not (folder / "go").exists():
        time.sleep(0.02)
    n = len(candles)
    entry = np.zeros(n, dtype=np.int8)
    entry[n // 2] = 1
    return Signals(entry=entry, exit=np.zeros(n, dtype=np.bool_))

WAITING = ArrayStrategy("waiting", "1", "waits for a file", Params, lambda params: 1, compute)
"""


class Waiting:
    """The package with the waiting strategy, as pip would have installed it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "waiting_strategy.py").write_text(MODULE)
        info = folder / "waiting_strategy-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: waiting-strategy\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[seatrial.strategies]\nwaiting = waiting_strategy:WAITING\n")
        self.calls.write_text("")

    @property
    def calls(self) -> Path:
        """Return the file with one line a call: process and number."""
        return self.folder / "calls"

    def called(self) -> list[str]:
        """Return the calls so far."""
        return self.calls.read_text().splitlines()

    def go(self) -> None:
        """Let every waiting call end."""
        (self.folder / "go").touch()


class ServiceProcess:
    """`python -m seatrial_backtest` on a free port."""

    def __init__(self, url: str, waiting: Waiting, **settings: str) -> None:
        self.port = free_port()
        environment = {
            **os.environ,
            "SEATRIAL_DATABASE_URL": url,
            "SEATRIAL_BACKTEST_PORT": str(self.port),
            "PYTHONPATH": str(waiting.folder),
            "WAITING_FOLDER": str(waiting.folder),
            **settings,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seatrial_backtest"], env=environment, stdout=subprocess.DEVNULL
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)
        wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, "the service has ended"
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """Return the JSON of a POST that succeeds."""
        response = self.http.post(path, json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job."""
        answer: dict[str, Any] = self.http.get(f"/v1/backtests/{job_id}").json()
        return answer

    def ended(self, job_id: str) -> dict[str, Any]:
        """Return a job once it has ended."""
        wait_until(lambda: self.job(job_id)["status"] in {"succeeded", "failed", "cancelled"})
        return self.job(job_id)

    def kill(self) -> None:
        """End the process without a chance to clean up."""
        self.process.kill()
        self.process.wait(10)
        self.http.close()

    def stop(self) -> int:
        """End the process as a supervisor does and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.http.close()
        return self.process.wait(30)
