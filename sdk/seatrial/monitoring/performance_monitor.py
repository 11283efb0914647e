"""The monitor under the guide's path."""

from seatrial_shared.monitor import PerformanceMonitor

__all__ = ["PerformanceMonitor"]
