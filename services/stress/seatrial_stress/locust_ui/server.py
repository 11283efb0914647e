"""Serves Locust's page on a separate port while the service runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from prometheus_client import CollectorRegistry

from seatrial_core.errors import SettingsError
from seatrial_service import logs
from seatrial_service.authorisation import Access
from seatrial_service.loops import running
from seatrial_service.requests import BodyLimit, RequestIdentity
from seatrial_service.serving import listen
from seatrial_service.transport.media_types import MediaTypeRules
from seatrial_service.transport.page_policy import PagePolicy
from seatrial_service.transport.refusals import TransportRefusals
from seatrial_service.transport.request_checks import RequestChecks, RequestRules
from seatrial_service.transport.response_headers import ResponseHeaders
from seatrial_service.transport.server import LimitedServer, server_config
from seatrial_stress.locust_ui import proxy
from seatrial_stress.locust_ui.process import LocustProcess
from seatrial_stress.service import StressService
from seatrial_stress.settings import StressSettings

GRACEFUL_SECONDS = 2
FORMS = ("application/x-www-form-urlencoded",)


class EmbeddedServer(LimitedServer):
    """A server that leaves signal handling to the main server of the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield


@asynccontextmanager
async def serve_locust_ui(
    service: StressService,
    settings: StressSettings,
    registry: CollectorRegistry,
    access: Access,
    refusals: TransportRefusals,
) -> AsyncIterator[None]:
    """Serve Locust's page while the block runs; if its port is taken, the service runs without the page.

    Args:
        service: Starts and stores runs.
        settings: Host and port.
        registry: Registers the counter of the loop's failures.
        access: Admits the requests.
        refusals: Counts and logs what is refused before a route is looked for.
    """
    if settings.ui_port == 0:
        yield
        return
    try:
        listeners = listen("stress_ui", settings.host, settings.ui_port)
    except SettingsError as error:
        logs.get().error("locust_page_unavailable", error=error.detail)
        yield
        return
    locust = LocustProcess(settings.engine_url)
    app = proxy.build(service, locust, access, service.clock)
    limited = BodyLimit(app, proxy.MAX_FORM_BYTES, {}, refusals)
    rules = RequestRules.of("stress", settings, MediaTypeRules({"": FORMS}))
    config = server_config(
        ResponseHeaders(PagePolicy(RequestIdentity(RequestChecks(limited, rules, refusals)))),
        refusals=refusals,
        graceful_seconds=GRACEFUL_SECONDS,
        trusted_proxies=settings.trusted_proxies,
        lifespan="off",
    )
    server = EmbeddedServer(config)
    try:
        async with running([locust.loop()], registry):
            serving = asyncio.create_task(server.serve(sockets=listeners))
            try:
                yield
            finally:
                server.should_exit = True
                with contextlib.suppress(asyncio.CancelledError):
                    await serving
    finally:
        await locust.close()
        for listener in listeners:
            listener.close()
