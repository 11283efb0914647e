"""A small application behind the real server, in a thread, with short limits."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from seatrial_core.clock import SystemClock
from seatrial_service.serving import bind
from seatrial_service.transport.connection_limits import ConnectionLimits
from seatrial_service.transport.refusals import TransportRefusals
from seatrial_service.transport.server import LimitedServer, server_config

SHORT = ConnectionLimits(
    header_seconds=1.0, body_seconds=1.0, unread_seconds=1.0, discard_seconds=1.0, pipelined=4, connections=40
)
ENDED = b"(ended)"


@dataclass
class ServedApp:
    """The address, and the requests whose body the application read to its end."""

    port: int
    bodies: list[bytes] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    refusals: TransportRefusals = field(init=False)

    def __post_init__(self) -> None:
        self.refusals = TransportRefusals(self.registry, SystemClock())

    def refused(self, reason: str) -> float:
        """Return how many refusals are counted for a reason."""
        return self.registry.get_sample_value("transport_refusals_total", {"reason": reason}) or 0.0

    @property
    def complete(self) -> int:
        """Return how many requests were read to their end."""
        return sum(body != ENDED for body in self.bodies)

    def connect(self) -> socket.socket:
        """Return an open connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def send(self, request: bytes) -> bytes:
        """Return everything that is answered to some bytes until the connection ends or two seconds pass."""
        with self.connect() as connection:
            with contextlib.suppress(OSError):
                connection.sendall(request)
            return read(connection)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `/early` before reading, `/huge` with 20 MB, all else with the length of the body."""
        self.scopes.append(scope)
        if scope["path"] != "/early":
            self.bodies.append(await _body(receive))
        content = b"x" * 20_000_000 if scope["path"] == "/huge" else str(len(self.bodies)).encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def read(connection: socket.socket, seconds: float = 2.0) -> bytes:
    """Return what arrives until the connection ends or nothing arrives for some seconds."""
    connection.settimeout(seconds)
    received = b""
    with contextlib.suppress(OSError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def read_head(connection: socket.socket) -> bytes:
    """Return the head of a response, which must arrive within ten seconds."""
    connection.settimeout(10)
    received = b""
    while b"\r\n\r\n" not in received and (piece := connection.recv(65_536)):
        received += piece
    return received


def is_closed(connection: socket.socket, seconds: float) -> bool:
    """Return whether the other side ends a connection within some seconds."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def served_app(limits: ConnectionLimits = SHORT) -> Iterator[ServedApp]:
    """Serve the application until the block ends."""
    listener = bind("things", "127.0.0.1", 0)
    app = ServedApp(listener.getsockname()[1])
    server = LimitedServer(server_config(app, refusals=app.refusals, graceful_seconds=1, limits=limits, lifespan="off"))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listener]),))
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield app
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body if message["type"] == "http.request" else ENDED
