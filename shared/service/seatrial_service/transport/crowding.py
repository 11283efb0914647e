"""Which connections are closed when a server has too many."""

import asyncio
from collections import Counter
from typing import Any, Protocol

BATCH = 50


class WaitingConnection(Protocol):
    """What the choice needs to know of a connection."""

    waiting_since: float
    in_body: bool
    served: int
    client: tuple[str, int] | None
    transport: asyncio.Transport

    def displace(self) -> None:
        """End the connection in favour of another one."""
        ...

    @property
    def is_busy(self) -> bool:
        """Return whether a complete request is in progress."""
        ...


def make_room(connections: set[Any], newest: object) -> bool:  # Any: the classes of uvicorn
    """Close waiting connections; return False if all of them are busy.

    First go those that never completed a request and unfinished bodies, up to 50 at once; among them those of the
    address with the most, and the longest waiting. An honest client sends its request at once and is not among them.
    Only if there are none of these, the idle connection that waits longest is closed.

    Args:
        connections: All connections of the server.
        newest: The connection to make room for.
    """
    waiting: list[WaitingConnection] = [
        connection for connection in connections if connection is not newest and not connection.is_busy
    ]
    by_source = Counter(_source(connection) for connection in waiting)
    waiting.sort(key=lambda one: (one.in_body, -by_source[_source(one)], one.waiting_since))
    unfinished = [one for one in waiting if one.served == 0 or one.in_body]
    for connection in unfinished[:BATCH] or waiting[:1]:
        connection.displace()
        connections.discard(connection)
    return bool(waiting)


def _source(connection: WaitingConnection) -> str:
    return connection.client[0] if connection.client else ""
