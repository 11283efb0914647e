"""Limits of a connection: header sizes, slow clients, pipelining, smuggling, and too many connections."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.unit.service.served_app import SHORT, ServedApp, is_closed, read, read_head, served_app

from seatrial_service.transport.connection_limits import ConnectionLimits

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def app() -> Iterator[ServedApp]:
    """Return an application with short limits."""
    with served_app() as running:
        yield running


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_a_plain_request_is_answered_and_the_connection_is_kept(app: ServedApp) -> None:
    with app.connect() as connection:
        for _ in range(3):
            connection.sendall(HEAD + b"\r\n")
            assert status(read_head(connection)) == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"X-Large: " + b"a" * (64 << 10) + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(150)) + b"\r\n",
        b"GET /" + b"a" * (64 << 10) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["one large header", "150 headers", "long path"],
)
def test_too_large_headers_are_refused(app: ServedApp, request_bytes: bytes) -> None:
    before = len(app.scopes)
    counted = app.refused("headers_too_large")

    answer = app.send(request_bytes)

    assert status(answer) == 431
    assert app.refused("headers_too_large") == counted + 1
    assert b"application/problem+json" in answer
    assert len(app.scopes) == before


@pytest.mark.parametrize(
    "start",
    [
        HEAD + b"X-Endless: ",
        b"\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ",
    ],
    ids=["header", "empty lines", "chunk extension", "trailer"],
)
def test_what_never_ends_is_cut_off_long_before_it_fills_the_memory(app: ServedApp, start: bytes) -> None:
    sent = 0
    filler = b"\r\n" * 32_768 if start == b"\r\n" else b"a" * 65_536
    with app.connect() as connection:
        try:
            connection.sendall(start)
            for _ in range(1_000):
                connection.sendall(filler)
                sent += len(filler)
        except OSError:
            pass
        assert is_closed(connection, 2)

    assert sent < 20 << 20  # what the buffers of both sides hold


@pytest.mark.parametrize(
    "pieces",
    [[b""], [b"GET / HT"], [HEAD, b"X-A: 1\r\n", b"X-B: 1\r\n", b"X-C: 1\r\n", b"X-D: 1\r\n", b"X-E: 1\r\n"]],
    ids=["nothing", "half a line", "a header now and then"],
)
def test_headers_must_be_complete_in_time(app: ServedApp, pieces: list[bytes]) -> None:
    started_at = time.monotonic()
    with app.connect() as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.1)
        assert status(read_head(connection)) == 408

    assert time.monotonic() - started_at < 8


def test_a_body_must_arrive_in_time(app: ServedApp) -> None:
    with app.connect() as connection:
        connection.sendall(POST + b"Content-Length: 1000\r\n\r\n")
        answer = read_head(connection)

    assert status(answer) == 408
    assert app.bodies[-1] == b"(ended)"


def test_a_body_that_arrives_steadily_may_take_longer(app: ServedApp) -> None:
    piece = b"a" * (16 << 10)
    with app.connect() as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % (len(piece) * 20))
        for _ in range(20):
            connection.sendall(piece)
            time.sleep(0.1)
        assert status(read_head(connection)) == 200


def test_the_rest_of_a_body_that_was_answered_is_read_for_a_short_time(app: ServedApp) -> None:
    with app.connect() as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
        assert status(read_head(connection)) == 200
        assert is_closed(connection, 4)


def test_a_response_that_is_not_read_is_dropped(app: ServedApp) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", app.port))
        connection.sendall(b"GET /huge HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(3.5)
        received = read(connection, 1)

    assert len(received) < 20_000_000
    assert app.refused("unread_response") >= 1


def test_few_requests_may_be_pipelined_and_many_may_not(app: ServedApp) -> None:
    few = app.send((HEAD + b"\r\n") * 3)
    before = len(app.scopes)
    many = app.send((HEAD + b"\r\n") * 2_000)

    assert few.count(b"HTTP/1.1 200") == 3
    assert many.count(b"HTTP/1.1 200") <= SHORT.pipelined + 1
    assert app.refused("too_many_pipelined") >= 1
    assert len(app.scopes) - before <= SHORT.pipelined + 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: +3\r\n\r\nabc",
        POST + b"Content-Length: 0x3\r\n\r\nabc",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        HEAD + b" folded: 1\r\n\r\n",
        HEAD + b"X-Nul: a\x00b\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_a_request_that_two_servers_could_read_in_two_ways_is_refused(app: ServedApp, request_bytes: bytes) -> None:
    before = app.complete
    counted = app.refused("bad_request") + app.refused("method_not_allowed")

    answer = app.send(request_bytes + HEAD + b"\r\n")

    assert status(answer) in {400, 405}
    assert answer.count(b"HTTP/1.1 ") == 1
    assert app.complete == before
    assert app.refused("bad_request") + app.refused("method_not_allowed") == counted + 1


def test_trace_is_refused(app: ServedApp) -> None:
    counted = app.refused("method_not_allowed")

    assert status(app.send(b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 405
    assert app.refused("method_not_allowed") == counted + 1


def test_what_follows_an_upgrade_is_not_read_as_a_request(app: ServedApp) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 40\r\n\r\n"

    answer = app.send(POST + upgrade + HEAD + b"\r\n")

    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in answer


def test_the_host_of_an_absolute_target_replaces_the_header(app: ServedApp) -> None:
    app.send(b"GET http://evil.example/path HTTP/1.1\r\nHost: localhost\r\n\r\n")

    scope = app.scopes[-1]
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"evil.example"]
    assert scope["path"] == "/path"


def test_trailers_are_not_read_as_headers(app: ServedApp) -> None:
    body = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"

    answer = app.send(POST + body + b"Authorization: Bearer token-of-a-trailer\r\n\r\n")

    assert status(answer) == 200
    assert b"authorization" not in dict(app.scopes[-1]["headers"])


def test_half_open_connections_give_way_to_an_honest_client(app: ServedApp) -> None:
    slowest = 0.0
    with ExitStack() as connections:
        for number in range(200):
            connection = connections.enter_context(app.connect())
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: " if number % 2 else POST + b"Content-Length: 9\r\n\r\n")
            if number % 20 == 0:
                started_at = time.monotonic()
                assert status(app.send(HEAD + b"Connection: close\r\n\r\n")) == 200
                slowest = max(slowest, time.monotonic() - started_at)

    assert slowest < 1
    assert app.refused("displaced") >= 1


def test_an_idle_client_keeps_its_connection_while_others_hold_half_requests() -> None:
    with served_app(ConnectionLimits(connections=40)) as app, app.connect() as honest, ExitStack() as connections:
        honest.sendall(HEAD + b"\r\n")
        assert status(read_head(honest)) == 200
        for _ in range(100):
            connections.enter_context(app.connect()).sendall(b"GET / HT")
        honest.sendall(HEAD + b"\r\n")

        assert status(read_head(honest)) == 200
