"""Attacks of another account that takes the port of a service which has crashed or has been stopped."""

import errno
import signal
import socket
import subprocess
import sys
import time

import httpx
from tests.support.waiting import wait_until
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

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
