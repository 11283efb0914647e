"""Holds the listening sockets of all services from before the start to the end of the stack.

No other program can take the port of a service that has crashed or has not started. So what answers at a port of the
stack is a process that inherited its socket: the service that the supervisor started.
"""

import contextlib
import errno
import logging
import socket
import struct
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence

from seatrial.stack import ports
from seatrial.stack.errors import PortTaken
from seatrial.stack.services import ServiceAddress, ServiceSpec, taken_text
from seatrial.thread_loop import ThreadLoop

REFUSE_SECONDS = 0.1
BACKLOG = 2048
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset, as a closed port does
log = logging.getLogger(__name__)


class HeldPorts:
    """The sockets of a stack.

    While a service does not run, its connections are reset within `REFUSE_SECONDS`: in the queue a client would wait
    for its timeout, and an order that its sender has given up would be executed after the restart. While a service
    starts, connections wait for it in the queue.
    """

    def __init__(self) -> None:
        self._sockets: dict[str, dict[int, list[socket.socket]]] = {}
        self._without_process: set[str] = set()
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._loop: ThreadLoop | None = None

    def hold(self, services: Sequence[ServiceSpec], where: Mapping[str, ServiceAddress]) -> None:
        """Bind every port of every service, on IPv4 and IPv6 loopback, and listen.

        Raises:
            PortTaken: Another program has one of them; none is held then.
        """
        complaints = []
        for service in services:
            address = where[service.name]
            own = self._sockets.setdefault(service.name, {})
            for port in (address.port, *(port for _, port in address.further if port)):
                try:
                    own.setdefault(port, []).extend(_listen(address.host, port))
                except OSError as error:
                    reason = ports.holder(port) if error.errno == errno.EADDRINUSE else f"({error.strerror})"
                    complaints.append(taken_text(service, address, port, reason))
        if complaints:
            self.release()
            raise PortTaken("\n".join(complaints))
        self._without_process = set(self._sockets)
        self._stop_event = threading.Event()
        self._loop = ThreadLoop("held-ports", self._refuse, REFUSE_SECONDS, _report_failure, self._stop_event)
        self._loop.start()

    def of(self, service: str) -> Mapping[int, Sequence[socket.socket]]:
        """Return the sockets of a service by port."""
        return self._sockets.get(service, {})

    def set_running(self, service: str, *, is_running: bool) -> None:
        """Leave the connections of a service to its process, or refuse them while it has none."""
        with self._lock:
            if is_running:
                self._without_process.discard(service)
            else:
                self._without_process.add(service)

    def release(self) -> None:
        """Close all sockets; do nothing when none is held."""
        self._stop_event.set()
        if self._loop is not None:
            self._loop.join()
            self._loop = None
        for listener in self._all(self._sockets):
            listener.close()
        self._sockets = {}

    def _refuse(self) -> None:
        with self._lock:
            for listener in self._all(self._without_process):
                _reset_waiting(listener)

    def _all(self, services: "set[str] | dict[str, dict[int, list[socket.socket]]]") -> Iterator[socket.socket]:
        for service in services:
            for group in self._sockets.get(service, {}).values():
                yield from group


def _listen(host: str, port: int) -> list[socket.socket]:
    hosts = [host]
    if host in (ports.LOOPBACK, "localhost", ports.ALL_IPV4):
        hosts.append(ports.LOOPBACK_IPV6)  # `localhost` is both, and programs try IPv6 first
    if host == ports.ALL_IPV4 and sys.platform == "darwin":
        hosts.insert(0, ports.LOOPBACK)  # a more specific address could be taken there, and would come first
    listeners: list[socket.socket] = []
    try:
        for candidate in hosts:
            listeners.append(_bound(candidate, port))  # noqa: PERF401  # a failure must close the others
    except OSError as error:
        if listeners and error.errno in _NO_IPV6:
            return listeners
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Starts soon after an end need it. A second socket on the port is refused nevertheless, because this one
        # listens at once; with SO_REUSEPORT it would be allowed.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _reset_waiting(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):  # no connection waits, or one has ended
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()


def _report_failure() -> None:
    log.exception("refusing_connections_failed")
