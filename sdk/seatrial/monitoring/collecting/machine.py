"""How busy the machine of this process is; the processor is primed so that the first value is measured."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import psutil

DISK_VARIABLE = "SEATRIAL_METRICS_DISK_PATH"
MIN_SPAN_SECONDS = 0.1


@dataclass(frozen=True)
class SystemLoad:
    """One sample, each in percent; None where this machine does not tell."""

    cpu_percent: float | None
    memory_percent: float | None
    disk_percent: float | None


class SystemLoadSampler:
    """Samples processor, memory and the disk of the working folder.

    Args:
        monotonic: Returns seconds, to measure the processor over a span that says something.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._before = self._cpu()

    def sample(self) -> SystemLoad:
        """Return the load now; the very first call may wait a tenth of a second for the processor."""
        with self._lock:
            missing = MIN_SPAN_SECONDS - (self._monotonic() - self._before[0])
            if missing > 0:
                sleep(missing)
            now = self._cpu()
            busy, total = now[1] - self._before[1], now[2] - self._before[2]
            self._before = now
        cpu = min(100.0, max(0.0, 100.0 * busy / total)) if total > 0 else None
        return SystemLoad(cpu, float(psutil.virtual_memory().percent), _disk())

    def _cpu(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        # Linux counts guests in `user` too; waiting for a disk is idle time of the processor.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        return self._monotonic(), total - times.idle - getattr(times, "iowait", 0.0), total


def _disk() -> float | None:
    folder = os.environ.get(DISK_VARIABLE) or str(Path.cwd())
    try:
        return float(psutil.disk_usage(folder).percent)
    except OSError:
        return None
