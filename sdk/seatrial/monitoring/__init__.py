"""Watch a trading bot: record what it does, show and judge its figures."""

from typing import TYPE_CHECKING

from seatrial.lazy import exports

if TYPE_CHECKING:
    from seatrial.monitoring.metrics_collector import MetricsCollector as MetricsCollector
    from seatrial.monitoring.performance_monitor import PerformanceMonitor as PerformanceMonitor

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "MetricsCollector": "seatrial.monitoring.metrics_collector",
        "PerformanceMonitor": "seatrial.monitoring.performance_monitor",
    },
)
