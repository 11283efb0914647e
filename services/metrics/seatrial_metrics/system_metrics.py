"""Samples the machine of this process, for pages without a recent sample of an engine."""

import asyncio
from collections.abc import Callable, Mapping

from seatrial_core import catalog
from seatrial_core.system_metrics import SystemSampler
from seatrial_service.loops import BackgroundLoop, LoopSchedule

# CPU use is measured between two samples; the first interval is short, so that the page soon has a value.
FIRST_INTERVAL_SECONDS = 0.5
# A sample that was not replaced for so many intervals is no longer shown: a disk may block the next one.
MAX_AGE_INTERVALS = 3


class SystemMetrics:
    """The last sample of CPU, memory and disk, in percent.

    Args:
        monotonic: Returns seconds on a clock that never goes back.
        disk_path: A path on the file system to measure.
        interval_seconds: Seconds between two samples.
    """

    def __init__(self, monotonic: Callable[[], float], disk_path: str, interval_seconds: float) -> None:
        self._sampler = SystemSampler(monotonic, disk_path)
        self._interval_seconds = interval_seconds
        self._monotonic = monotonic
        self._last: Mapping[str, float | None] = {}
        self._sampled_at = monotonic()

    def last(self) -> Mapping[str, float | None]:
        """Return the last sample by metric name; empty before the first and without a recent one."""
        age = self._monotonic() - self._sampled_at
        return self._last if age <= MAX_AGE_INTERVALS * max(self._interval_seconds, 1.0) else {}

    def loop(self) -> BackgroundLoop:
        """Return the loop that samples the machine."""
        first = min(FIRST_INTERVAL_SECONDS, self._interval_seconds)
        schedule = LoopSchedule(self._interval_seconds, first_pause_seconds=first)
        return BackgroundLoop("system_metrics", self._sample, schedule)

    async def _sample(self) -> None:
        sample = await asyncio.to_thread(self._sampler.sample)  # a network file system may block
        self._sampled_at = self._monotonic()
        self._last = {
            catalog.SYSTEM_CPU.name: sample.cpu_percent,
            catalog.SYSTEM_MEMORY.name: sample.memory_percent,
            catalog.SYSTEM_DISK.name: sample.disk_percent,
        }
