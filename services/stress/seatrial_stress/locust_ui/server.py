"""Publishes Locust's page on a port of its own while the service runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from seatrial_core.errors import SettingsError
from seatrial_service import logs
from seatrial_service.serving import bind
from seatrial_stress.locust_ui import proxy
from seatrial_stress.locust_ui.process import LocustPage
from seatrial_stress.service import StressService
from seatrial_stress.settings import StressSettings

GRACEFUL_SECONDS = 2


class QuietServer(uvicorn.Server):
    """A second server in a process whose signals belong to the first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@asynccontextmanager
async def publishing(service: StressService, settings: StressSettings) -> AsyncIterator[None]:
    """Show Locust's page while the block runs; a taken port costs the page, not the service.

    Args:
        service: Where runs are started and kept.
        settings: Host, port and tokens.
    """
    if settings.ui_port == 0:
        yield
        return
    try:
        listener = bind("stress_ui", settings.host, settings.ui_port)
    except SettingsError as error:
        logs.get().error("locust_page_unavailable", error=error.detail)
        yield
        return
    page = LocustPage(settings.engine_url)
    app = proxy.build(service, page, settings.accepted_tokens)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    server = QuietServer(config)
    await page.start()
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await page.stop()
        listener.close()
