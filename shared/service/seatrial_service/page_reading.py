"""Values of a metrics page that are read from the database when the page is scraped, in a limited time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from seatrial_core import catalog
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import SeatrialError
from seatrial_service import logs

TIMEOUT_SECONDS = 2.0
# A value that the last scrapes could not read again is absent; its age says why.
MAX_AGE_SECONDS = 5.0
Value = TypeVar("Value")


class PageReading(Collector, Generic[Value]):
    """One value of a page; no loop keeps it, so no stuck loop can freeze it.

    Args:
        name: Its name in `page_reading_age_seconds`.
        read: Reads the value.
        clock: Measures its age.
        registry: Where the age is registered.
    """

    def __init__(
        self, name: str, read: Callable[[], Awaitable[Value]], clock: Clock, registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._read = read
        self._clock = clock
        self._value: Value | None = None
        self._read_at: float | None = None
        self._running: asyncio.Task[None] | None = None
        registry.register(self)

    async def refresh(self) -> None:
        """Read the value if that takes at most two seconds; a reading that takes longer goes on."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._refresh(), name=f"page-{self._name}")
        await asyncio.wait([self._running], timeout=TIMEOUT_SECONDS)

    def value(self) -> Value | None:
        """Return the value, or None if it could not be read for some seconds."""
        age = self.age_seconds()
        return self._value if age is not None and age <= MAX_AGE_SECONDS else None

    def age_seconds(self) -> float | None:
        """Return the age of the last value, or None before the first."""
        return None if self._read_at is None else max(0.0, self._clock.monotonic() - self._read_at)

    def collect(self) -> Iterator[Metric]:
        """Yield the age of the value."""
        metric = catalog.PAGE_READING_AGE
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
        age = self.age_seconds()
        if age is not None:
            family.add_metric([self._name], age)
        yield family

    async def _refresh(self) -> None:
        started_at = self._clock.monotonic()
        try:
            self._value = await self._read()
            self._read_at = started_at
        except SeatrialError as error:
            logs.get().warning("page_reading_failed", reading=self._name, error=error.detail)
