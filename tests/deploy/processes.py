"""Runs the services and Prometheus as processes on free ports."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.ports import free_port, free_ports
from tests.support.waiting import wait_until

START_SECONDS = 60.0


@contextmanager
def services(names: Sequence[str], database_url: str, log: Path) -> Iterator[Mapping[str, int]]:
    """Run services over one database; yield their ports when all are ready."""
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    environment = {**os.environ, "SEATRIAL_DATABASE_URL": database_url, "METRICS_UPDATE_INTERVAL": "1"}
    environment["SEATRIAL_STRESS_UI_PORT"] = "0"  # no fixed port for Locust's page
    for name in ("SEATRIAL_TOKENS", "SEATRIAL_TOKEN", "ALERT_WEBHOOK_URL", "MONITORING_PORT"):
        environment.pop(name, None)
    for name, port in ports.items():
        environment[f"SEATRIAL_{name.upper()}_PORT"] = str(port)
        environment[f"SEATRIAL_{name.upper()}_URL"] = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        for name in names:
            command = [sys.executable, "-m", f"seatrial_{name}"]
            stack.enter_context(process(command, environment, log / f"{name}.log"))
        for name, port in ports.items():
            wait_for(f"http://127.0.0.1:{port}/health/ready", log / f"{name}.log")
        yield ports


@contextmanager
def prometheus(program: str, configuration: Path, folder: Path) -> Iterator[str]:
    """Run Prometheus; yield its address when it is ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with process(command, dict(os.environ), folder / "prometheus.log"):
        wait_for(f"{url}/-/ready", folder / "prometheus.log")
        yield url


@contextmanager
def process(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a program with its output in a file; terminate it, and kill it after ten seconds."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(url: str, log: Path) -> None:
    """Wait until an address answers 200; on a timeout show the end of the program's log."""
    wait_until(lambda: _is_ready(url), START_SECONDS, lambda: log.read_text(errors="replace")[-2000:])


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
