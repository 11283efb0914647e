"""Attacks below the routes: rebound names, foreign pages, endless headers, and connections that are held open."""

import contextlib
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

from seatrial_service.throttle import PER_SECOND

PATHS = ("/metrics", "/health/live", "/", "/docs", "/openapi.json")
ORDER = b'{"symbol":"EVIL","action":"buy","price":"1","quantity":"1","account":"evil"}'
HELD = 900


def addresses(stack: AttackedStack) -> list[str]:
    return [*stack.urls.values(), stack.load_page]


def health_seconds(client: httpx.Client, url: str) -> float:
    started_at = time.monotonic()
    assert client.get(f"{url}/health/live").status_code == 200
    return time.monotonic() - started_at


def logged_refusals(stack: AttackedStack) -> int:
    logs = (path.read_text(errors="replace") for path in stack.layout.logs.glob("engine*.log"))
    return sum(line.count('"request_refused"') for text in logs for line in text.splitlines() if "127.0.0.1" in line)


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


@attack("Rebind a DNS name to each service and the load page", expects="421 for every path of all six")
def test_dns_rebinding(stack: AttackedStack) -> str:
    statuses = {
        httpx.get(f"{url}{path}", headers={"Host": "evil.example:5000"}, trust_env=False).status_code
        for url in addresses(stack)
        for path in PATHS
    }
    return f"{statuses.pop()} for every path of all six" if len(statuses) == 1 else f"{sorted(statuses)}"


@attack(
    "Post an order from a page of another origin, with a token, as text and as JSON",
    expects="403 for both; 415 for text of a program; 0 orders",
)
def test_foreign_page(stack: AttackedStack) -> str:
    with stack.client("engine") as client:
        page = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        text = client.post("/v1/signals", content=ORDER, headers={**page, "Content-Type": "text/plain"})
        json = client.post("/v1/signals", content=ORDER, headers={**page, "Content-Type": "application/json"})
        program = client.post("/v1/signals", content=ORDER, headers={"Content-Type": "text/plain"})
        orders = client.get("/v1/orders", params={"account": "evil"}).json()["items"]
    assert text.status_code == json.status_code
    return f"{json.status_code} for both; {program.status_code} for text of a program; {len(orders)} orders"


@attack("Send one header of 86 MB to each service and the load page", expects="431 or closed within 8 MB")
def test_endless_header(stack: AttackedStack) -> str:
    largest = 0
    for url in addresses(stack):
        with connect(url) as connection:
            sent = 0
            with contextlib.suppress(OSError):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: ")
                while sent < 86_000_000:
                    connection.sendall(b"a" * 65_536)
                    sent += 65_536
            largest = max(largest, sent)
    return "431 or closed within 8 MB" if largest < 8_000_000 else f"{largest} bytes were taken"


@attack(
    f"Hold {HELD} half requests open at the engine, half of them in the body",
    expects="health within 50 ms as a rule and 2 s at most; all are closed within 25 s",
)
def test_half_requests(stack: AttackedStack) -> str:
    started_at = time.monotonic()
    with ExitStack() as opened, httpx.Client(trust_env=False) as honest:
        connections = [opened.enter_context(connect(stack.urls["engine"])) for _ in range(HELD)]
        for number, connection in enumerate(connections):
            half = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
            connection.sendall(half if number % 2 else b"GET /health/live HTTP/1.1\r\nHost: local")
        seconds = sorted(health_seconds(honest, stack.urls["engine"]) for _ in range(40))
        for connection in connections:
            connection.settimeout(max(0.05, started_at + 25 - time.monotonic()))
            with contextlib.suppress(ConnectionError):
                while connection.recv(4_096):
                    pass
    median, slowest, took = seconds[len(seconds) // 2], seconds[-1], time.monotonic() - started_at
    if median < 0.05 and slowest < 2 and took < 25:
        return "health within 50 ms as a rule and 2 s at most; all are closed within 25 s"
    return f"health within {median:.3f} s as a rule and {slowest:.2f} s at most; closed within {took:.0f} s"


@attack(
    "Send two lengths of one body, to hide a request in another",
    expects="400 from all six, and nothing that follows is read",
)
def test_smuggling(stack: AttackedStack) -> str:
    hidden = b"POST /v1/control/halt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    lengths = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(hidden) + 5)
    answers = []
    for url in addresses(stack):
        with connect(url) as connection:
            connection.sendall(b"POST /webhook HTTP/1.1\r\nHost: localhost\r\n" + lengths + hidden)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(65_536):
                    answer += piece
        answers.append((answer.split(b" ", 2)[1], answer.count(b"HTTP/1.1 ")))
    if set(answers) == {(b"400", 1)}:
        return "400 from all six, and nothing that follows is read"
    return repr(answers)


@attack(
    "Read each /metrics through a reverse proxy of the same machine, and with a wrong token",
    expects="401 from all five through the proxy; 401 with a wrong token; 200 for Prometheus",
)
def test_metrics_behind_a_proxy(stack: AttackedStack) -> str:
    def statuses(headers: dict[str, str]) -> str:
        answers = [httpx.get(f"{url}/metrics", headers=headers, trust_env=False) for url in stack.urls.values()]
        return ", ".join(str(status) for status in sorted({answer.status_code for answer in answers}))

    proxied = {statuses({name: "203.0.113.7"}) for name in ("X-Forwarded-For", "Forwarded", "Via")}
    wrong = statuses({"Authorization": "Bearer unknown-unknown-unknown"})
    through, prometheus = " ".join(proxied), statuses({})
    return f"{through} from all five through the proxy; {wrong} with a wrong token; {prometheus} for Prometheus"


@attack(
    "Send 60 requests with a rebound name, a foreign page and text to the engine",
    expects="60 of each counted by reason; logged with the source, 20 lines at once and one in 5 s",
)
def test_refusals_are_seen(stack: AttackedStack) -> str:
    wrong = {
        "misdirected_request": {"Host": "evil.example"},
        "foreign_origin": {"Origin": "https://evil.example"},
        "unsupported_media_type": {"Content-Type": "text/plain"},
    }
    with stack.client("engine") as client:

        def counts() -> list[float]:
            page = {
                sample.labels["reason"]: sample.value
                for family in text_string_to_metric_families(client.get("/metrics").text)
                for sample in family.samples
                if sample.name == "transport_refusals_total"
            }
            return [page[reason] for reason in wrong]

        before, lines, started_at = counts(), logged_refusals(stack), time.monotonic()
        for headers in wrong.values():
            for _ in range(60):
                client.post("/v1/signals", content=ORDER, headers=headers)
        counted = {after - earlier for after, earlier in zip(counts(), before, strict=True)}
    logged = logged_refusals(stack) - lines
    limit = 21 + (time.monotonic() - started_at) * PER_SECOND
    # Earlier attacks of this stack may have used up the lines of their common source.
    is_limited = lines + logged >= 1 and logged <= limit
    seen = "logged with the source, 20 lines at once and one in 5 s" if is_limited else f"{logged} lines"
    return f"{' '.join(f'{count:.0f}' for count in counted)} of each counted by reason; {seen}"
