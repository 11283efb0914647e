"""Samples CPU, memory and disk usage of this machine."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import sleep

import psutil

from seatrial_core.errors import SettingsError

MIN_CPU_SPAN_SECONDS = 0.1


@dataclass(frozen=True)
class SystemSample:
    """CPU, memory and disk in use, in percent (0 to 100); None where the machine gives no value."""

    cpu_percent: float | None
    memory_percent: float | None
    disk_percent: float | None


class SystemSampler:
    """Samples the machine; the CPU measurement begins with the construction.

    It keeps its own CPU times: `psutil.cpu_percent` shares one measurement among all callers in a process.

    Args:
        monotonic: Returns seconds on a clock that never goes back.
        disk_path: A path on the file system to measure; None measures no disk.
    """

    def __init__(self, monotonic: Callable[[], float], disk_path: str | None = None) -> None:
        self._monotonic = monotonic
        self._disk_path = disk_path
        self._lock = threading.Lock()
        self._before = self._cpu()

    def sample(self) -> SystemSample:
        """Return the usage since the last sample; blocks up to 0.1 s if that was less than 0.1 s ago."""
        with self._lock:
            missing = MIN_CPU_SPAN_SECONDS - (self._monotonic() - self._before[0])
            if missing > 0:
                sleep(missing)
            now = self._cpu()
            busy, total = now[1] - self._before[1], now[2] - self._before[2]
            self._before = now
        cpu = min(100.0, max(0.0, 100.0 * busy / total)) if total > 0 else None
        return SystemSample(cpu, float(psutil.virtual_memory().percent), self._disk())

    def _cpu(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        # Linux counts guests in `user` too; waiting for a disk is idle time of the processor.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        return self._monotonic(), total - times.idle - getattr(times, "iowait", 0.0), total

    def _disk(self) -> float | None:
        if self._disk_path is None:
            return None
        try:
            return float(psutil.disk_usage(self._disk_path).percent)
        except OSError:
            return None


def require_disk_path(path: str, variable: str) -> None:
    """Check that the disk of a path can be measured.

    Args:
        path: The path that is set.
        variable: The environment variable that sets it, for the message.

    Raises:
        SettingsError: The path cannot be read.
    """
    try:
        psutil.disk_usage(path)
    except OSError as error:
        raise SettingsError(
            f"{variable}: cannot read the disk usage of {path!r} ({error.strerror}); name an existing folder"
        ) from error
