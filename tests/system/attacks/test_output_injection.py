"""Attacks on the reader of the output: a terminal or a log collector."""

import json
import os
import subprocess
import sys
from urllib.parse import quote

import httpx
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

ESCAPES = ("\x1b[2J", "\x1b]52;c;cm0gLXJmIH4=\x07", "\x9b31m", "a\rb", 'x\r\n{"event":"forged"}', "a\u202eb")
FIELDS = ("symbol", "strategy", "account", "client_order_id")
CONTROLS = frozenset({*range(0x20), 0x7F}) - {0x0A}
ORDER = {"symbol": "X", "action": "buy", "price": "1", "quantity": "0.001", "account": "injected"}


def _statuses(client: httpx.Client, text: str) -> set[int]:
    statuses = {client.post("/v1/signals", json={**ORDER, field: f"{text}{field}"}).status_code for field in FIELDS}
    statuses.add(client.post("/v1/control/resume", json={"actor": f"a{text}", "reason": "a test"}).status_code)
    return statuses


def _forge_log_lines(stack: AttackedStack, text: str) -> None:
    """Send a text wherever a service may log it: the path, the query, a token and a request id."""
    for service in stack.urls:
        with stack.client(service, token="") as client:
            client.get(f"/v1/{quote(text, safe='')}?q={quote(text, safe='')}")
            header = text.encode("utf-8").replace(b"\r", b"").replace(b"\n", b"")
            client.get("/v1/rules", headers=[(b"Authorization", b"Bearer " + header), (b"X-Request-Id", header)])


def _logged_lines(stack: AttackedStack) -> int:
    """Return how many lines of the services' logs are no JSON object."""
    lines = [line for name in stack.urls for line in stack.layout.log(name).read_bytes().split(b"\n") if line.strip()]
    return sum(1 for line in lines if not isinstance(json.loads(line), dict) or set(line) & CONTROLS)


@attack(
    "Send terminal commands, line breaks and right-to-left marks wherever a text goes, then read the logs",
    expects="422 for each field; every log line is one JSON object; `seatrial logs` prints no control character",
)
def test_terminal_and_log_injection(stack: AttackedStack) -> str:
    with stack.client("engine") as client:
        statuses = set().union(*(_statuses(client, text) for text in ESCAPES))
    for text in ESCAPES:
        _forge_log_lines(stack, text)
    broken = _logged_lines(stack)
    printed = b""
    for name in (*stack.urls, "postgres"):
        command = [sys.executable, "-m", "seatrial.cli.main", "logs", name, "-n", "1000"]
        printed += subprocess.run(
            command, cwd=stack.folder, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, check=True
        ).stdout
    assert printed, "there are no logs"
    controls = (set(printed) & CONTROLS) - {0x09}
    return (
        f"{', '.join(map(str, sorted(statuses)))} for each field; "
        f"{'every log line is one JSON object' if not broken else f'{broken} log lines are broken'}; "
        f"`seatrial logs` prints {'no control character' if not controls else sorted(controls)}"
    )
