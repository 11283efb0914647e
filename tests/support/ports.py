"""TCP ports of this machine: free ones and occupied ones."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a loopback port that no process listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return `count` different loopback ports that no process listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@contextmanager
def silent_listener(host: str = LOOPBACK) -> Iterator[tuple[int, socket.socket]]:
    """Yield a port and the socket that listens on it: connections are accepted by the system and never answered."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        listener.listen()
        yield int(listener.getsockname()[1]), listener
