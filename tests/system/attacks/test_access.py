"""Attacks on authorisation: without a token, with parts of one, in great number."""

import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import KEPT, AttackedStack

REPLAY_BYTES = 32 << 20
LOGIN_BYTES = 200 << 20
ATTEMPTS = 60


def _from(address: str) -> httpx.HTTPTransport:
    # Attempts are throttled by source; the other attacks must not share the budget that these use up.
    return httpx.HTTPTransport(local_address=address)


@attack("Announce 32 MB for /v1/replays without a token", expects="401 before a byte of the body")
def test_large_body_without_a_token(stack: AttackedStack) -> str:
    return _announce(stack.urls["engine"], "/v1/replays", "application/json", REPLAY_BYTES)


@attack("Announce 200 MB for /login of the load page", expects="413 before a byte of the body")
def test_large_login(stack: AttackedStack) -> str:
    return _announce(stack.load_page, "/login", "application/x-www-form-urlencoded", LOGIN_BYTES)


def _announce(url: str, path: str, media_type: str, size: int) -> str:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", media_type)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        answer = connection.getresponse()  # the body is never sent
    finally:
        connection.close()
    return f"{answer.status} before a byte of the body"


@attack("Send the token as Basic, and every prefix of it as Bearer", expects="no attempt admitted")
def test_other_schemes_and_prefixes(stack: AttackedStack) -> str:
    token = stack.token
    headers = [f"Basic {token}", token, *(f"Bearer {token[:length]}" for length in range(1, len(token), 5))]
    with stack.client("engine", token="", transport=_from("127.0.0.2")) as client:
        statuses = [client.get("/v1/orders", headers={"Authorization": header}).status_code for header in headers]
    return "no attempt admitted" if set(statuses) <= {401, 429} else f"{sorted(set(statuses))}"


@attack("Guess 60 tokens from the address of an honest client", expects="429 with Retry-After; the valid token passes")
def test_guessing_tokens(stack: AttackedStack) -> str:
    with stack.client("alerts", token="", transport=_from("127.0.0.3")) as client:
        for number in range(ATTEMPTS):
            guess = client.get("/v1/rules", headers={"Authorization": f"Bearer seatrial_guess-{number:04}-of-many"})
    with stack.client("alerts", transport=_from("127.0.0.3")) as honest:
        valid = honest.get("/v1/rules").status_code
    waits = " with Retry-After" if "retry-after" in guess.headers else ""
    return f"{guess.status_code}{waits}; the valid token {'passes' if valid == 200 else 'is refused'}"


@attack("Change the trading state in another person's name", expects="actor: the token's name; note: the name sent")
def test_actor_of_a_halt(stack: AttackedStack) -> str:
    with stack.client("engine") as client:
        sent = {"actor": "the chairman", "reason": "an attack"}
        resumed = client.post("/v1/control/resume", json=sent).json()
    actor = "the token's name" if resumed["actor"] == "stack" else resumed["actor"]
    return f"actor: {actor}; note: {'the name sent' if resumed['note'] == sent['actor'] else resumed['note']}"


@attack("Use a token after `seatrial token revoke`", expects="its scope only; refused within 4 s of the revocation")
def test_revoked_token(stack: AttackedStack) -> str:
    token = _token_command(stack, "create", "short-lived", "--scopes", "alerts:read", "--expires", "1h").strip()
    with stack.client("alerts", token=token) as alerts, stack.client("engine", token=token) as engine:
        allowed, forbidden = alerts.get("/v1/rules").status_code, engine.get("/v1/orders").status_code
        _token_command(stack, "revoke", "short-lived")
        deadline = time.monotonic() + 4
        while (status := alerts.get("/v1/rules").status_code) == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
    scope = "its scope only" if (allowed, forbidden) == (200, 403) else f"{allowed} and {forbidden}"
    return f"{scope}; {'refused within 4 s of the revocation' if status == 401 else status}"


def _token_command(stack: AttackedStack, *arguments: str) -> str:
    command = [sys.executable, "-m", "seatrial.cli.main", "token", *arguments]
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(command, cwd=stack.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
