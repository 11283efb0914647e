"""Attacks of another account that takes the port of a service which has crashed or has been stopped."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.support.http_stub import http_stub, json_response
from tests.support.ports import free_ports
from tests.support.waiting import wait_until
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack
from tests.system.stack_up import plan

from seatrial.monitoring.collecting.spill import RecordBatch
from seatrial.monitoring.collecting.transport import Transport
from seatrial.stack.layout import Layout
from seatrial.stack.stack import Stack
from seatrial_core.clients import ServiceClient, StackAuth
from seatrial_core.errors import StackNotRunning

ADDRESSES = ("127.0.0.1", "0.0.0.0", "::1", "::")
# Runs as our own account, which the system allows more than a stranger: tries to listen for three seconds,
# as fast as it can, and prints the addresses where it could.
SQUAT = """
import socket, sys, time
port, taken = int(sys.argv[1]), set()
end = time.monotonic() + 3
while time.monotonic() < end:
    for host in sys.argv[2:]:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as squatter:
            try:
                squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                squatter.bind((host, port))
                squatter.listen()
                taken.add(host)
            except OSError:
                pass
    time.sleep(0.001)
print(*sorted(taken))
"""


@attack(
    "Kill a service and take its port while it is down, on every address",
    expects="the port is never free; clients are refused within 2 s, then the service answers again",
)
def test_port_of_a_killed_service(quiet_stack: AttackedStack) -> str:
    url = quiet_stack.urls["backtest"]
    process = quiet_stack.process("backtest")
    squatter = subprocess.Popen(
        [sys.executable, "-c", SQUAT, url.rpartition(":")[2], *ADDRESSES],
        stdout=subprocess.PIPE,
        text=True,
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    started_at = time.monotonic()
    try:
        answer = f"answered {httpx.get(f'{url}/health/live', timeout=30, trust_env=False).status_code}"
    except httpx.HTTPError:
        answer = "refused"
    seconds = time.monotonic() - started_at
    taken = squatter.communicate(timeout=30)[0].split()
    wait_until(lambda: _is_ready(url), 60)
    if taken or answer != "refused" or seconds > 2:
        return f"taken: {taken}; {answer} after {seconds:.1f} s"
    return "the port is never free; clients are refused within 2 s, then the service answers again"


@attack("Listen on ::1 where a service listens on 127.0.0.1, for clients of `localhost`", expects="refused for all six")
def test_other_loopback_address(quiet_stack: AttackedStack) -> str:
    taken = []
    for url in (*quiet_stack.urls.values(), quiet_stack.load_page):
        port = int(url.rpartition(":")[2])
        with socket.socket(socket.AF_INET6) as squatter:
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                squatter.bind(("::1", port))
                taken.append(port)
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    taken.append(port)
    return f"taken: {taken}" if taken else "refused for all six"


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@attack(
    "Take the ports of a stack after `seatrial down` and wait for its clients",
    expects="the command line, the SDK and a program that runs on send no token, and say that the stack is not running",
)
def test_ports_of_a_stopped_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    port, other = free_ports(2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEATRIAL_TOKEN", raising=False)
    monkeypatch.setenv("SEATRIAL_METRICS_URL", f"http://127.0.0.1:{port}")
    ports = {"SEATRIAL_FIRST_PORT": str(port), "SEATRIAL_SECOND_PORT": str(other)}
    running_on = ServiceClient("metrics")
    with Stack(Layout(tmp_path), plan(), environment={**os.environ, **ports}) as small_stack:
        small_stack.start()
        running_on.get("/health/ready")
        token = small_stack.token
    sentences = []
    accepted = json_response({"accepted": 0, "duplicates": 0, "rejected": []}, 202)
    with http_stub(lambda request: accepted, port=port) as squatter:
        for client in (running_on, ServiceClient("metrics")):
            with client, pytest.raises(StackNotRunning) as refusal:
                client.get("/v1/performance")
            sentences.append(str(refusal.value))
        url = f"http://127.0.0.1:{port}"
        transport = Transport(url, StackAuth(url, is_named=True))
        sentences.append(transport.send(RecordBatch("producer", 1, ({"id": "1"},))).problem)
        transport.close()
        command = [
            sys.executable,
            "-m",
            "seatrial.cli.main",
            "stress",
            "run",
            "--plan",
            "high_frequency",
            "--target",
            url,
        ]
        environment = {**os.environ, "SEATRIAL_ENGINE_URL": url}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        sentences.append(" ".join(done.stderr.split()))
    received = [f"{request.headers} {request.body!r}" for request in squatter.requests]
    if any(token in text for text in received) or not all("is not running" in sentence for sentence in sentences):
        return f"received {received}; said {sentences}"
    return "the command line, the SDK and a program that runs on send no token, and say that the stack is not running"
