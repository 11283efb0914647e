"""Samples the machine that this process runs on."""

from collections.abc import Mapping

import psutil

from seatrial_core import catalog
from seatrial_core.errors import SettingsError
from seatrial_service import logs
from seatrial_service.loops import StopSignal

# CPU use is measured between two looks; the first interval is short, so that a value is there soon.
FIRST_INTERVAL_SECONDS = 0.5


class SystemMetrics:
    """The last sample of CPU, memory and disk, in percent.

    Args:
        disk_path: A path on the mount to look at.
        interval_seconds: Time between samples.
    """

    def __init__(self, disk_path: str, interval_seconds: float) -> None:
        self._disk_path = disk_path
        self._interval_seconds = interval_seconds
        self._sample: Mapping[str, float | None] = {}

    def sample(self) -> Mapping[str, float | None]:
        """Return the last sample by metric name; empty before the first."""
        return self._sample

    async def run(self, stop: StopSignal) -> None:
        """Sample until asked to stop."""
        psutil.cpu_percent()  # the first call only starts the measurement, its 0.0 means nothing
        pause = min(FIRST_INTERVAL_SECONDS, self._interval_seconds)
        while not stop.is_set():
            await stop.pause(pause)
            pause = self._interval_seconds
            try:
                self._sample = self._look()
            except OSError as error:
                logs.get().warning("machine_not_sampled", error=str(error))

    def _look(self) -> Mapping[str, float | None]:
        return {
            catalog.SYSTEM_CPU.name: psutil.cpu_percent(),
            catalog.SYSTEM_MEMORY.name: psutil.virtual_memory().percent,
            catalog.SYSTEM_DISK.name: psutil.disk_usage(self._disk_path).percent,
        }


def require_disk(path: str) -> None:
    """Raise SettingsError when a path cannot be looked at."""
    try:
        psutil.disk_usage(path)
    except OSError as error:
        raise SettingsError(
            f"SEATRIAL_METRICS_DISK_PATH: {path!r} cannot be looked at ({error.strerror}); name an existing folder"
        ) from error
