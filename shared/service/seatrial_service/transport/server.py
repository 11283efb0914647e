"""The HTTP server of a service: uvicorn with limits."""

import asyncio
import signal
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from seatrial_service.transport.connection_limits import ConnectionLimits
from seatrial_service.transport.http_protocol import LimitedHttpProtocol
from seatrial_service.transport.refusals import TransportRefusals

TICKS_PER_CHECK = 10  # uvicorn ticks ten times a second


class LimitedServer(uvicorn.Server):
    """A server that ends the connections of clients that are too slow, and knows whether Ctrl-C ended it."""

    is_interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Remember Ctrl-C: uvicorn raises it again, without effect in a process that was started with it ignored."""
        self.is_interrupted = self.is_interrupted or sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Check every connection once a second."""
        if counter % TICKS_PER_CHECK == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast("LimitedHttpProtocol", connection).check(now)
        return await super().on_tick(counter)


def server_config(
    app: ASGIApp,
    *,
    refusals: TransportRefusals,
    graceful_seconds: int,
    trusted_proxies: str = "",
    limits: ConnectionLimits | None = None,
    **options: Any,  # Any: as in uvicorn
) -> uvicorn.Config:
    """Return the configuration of a server with limits.

    Args:
        app: The application.
        refusals: Counts and logs what is refused.
        graceful_seconds: How long requests in progress may take at the end.
        trusted_proxies: Addresses whose X-Forwarded headers are believed.
        limits: The limits of connections.
        options: Further options of uvicorn.
    """
    applied = limits or ConnectionLimits()

    class ServedConnection(LimitedHttpProtocol):
        """A connection with the limits of this server."""

    ServedConnection.limits = applied
    ServedConnection.refusals = refusals
    ServedConnection.max_connections = applied.connections_here
    return uvicorn.Config(
        app,
        http=ServedConnection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),  # else any local user could name another source of its requests
        forwarded_allow_ips=trusted_proxies or [],
        timeout_graceful_shutdown=graceful_seconds,
        **options,
    )
