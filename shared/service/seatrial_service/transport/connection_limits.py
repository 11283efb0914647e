"""What one connection, and all connections of a server, may use."""

import resource
from dataclasses import dataclass

RESERVED_FILES = 200  # of the database, logs and outgoing requests


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of a server.

    Args:
        header_bytes: Of a request line with its headers, and of anything else that is not body.
        headers: How many headers a request has.
        header_seconds: From the opening of a connection, or the last response, to the end of the headers.
        body_seconds: Time for a body in addition to one second per `body_bytes_per_second`.
        body_bytes_per_second: The slowest accepted body.
        unread_seconds: How long a client may leave a response unread.
        discard_seconds: How long the rest of a body is read after the response was sent.
        pipelined: Requests that wait behind the one in progress.
        connections: Open connections; above it the longest waiting ones are closed.
    """

    header_bytes: int = 32 << 10
    headers: int = 100
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    body_bytes_per_second: int = 8 << 10
    unread_seconds: float = 20.0
    discard_seconds: float = 3.0
    pipelined: int = 16
    connections: int = 1_000

    @property
    def connections_here(self) -> int:
        """Return the limit of connections, raising the process's limit of open files as far as it is allowed."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = self.connections + RESERVED_FILES
        if soft != resource.RLIM_INFINITY and soft < needed:
            soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft == resource.RLIM_INFINITY or soft >= needed:
            return self.connections
        return max(soft - RESERVED_FILES, soft // 2)
