"""The collector under the guide's path."""

from seatrial_shared.collector import MetricsCollector

__all__ = ["MetricsCollector"]
