"""Records and serves metrics with the installed versions; exits with 1 if a metric is missing."""

import socket
import sys
import urllib.request

import prometheus_client
import psutil

from seatrial import MetricsCollector, PerformanceMonitor, TradingConfig
from seatrial_core.catalog import GUIDE_METRICS


def main() -> int:
    """Use the collector and the monitor as the guide does, without any service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monitor = PerformanceMonitor(None, TradingConfig(), port=port)
    monitor.start_monitoring()
    try:
        metrics = MetricsCollector()
        metrics.record_trade("rsi_bollinger", "BUY", "filled", 1.25)
        metrics.record_api_latency("place_order", 0.25)
        metrics.record_webhook("success")
        metrics.update_system_metrics()
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()  # nosec B310 # our own page
    finally:
        monitor.stop_monitoring()
    missing = [metric.name for metric in GUIDE_METRICS if f"# TYPE {metric.name} " not in page]
    is_counted = 'trades_total{side="BUY",status="filled",strategy="rsi_bollinger"} 1.0' in page
    version = getattr(prometheus_client, "__version__", "unknown")
    sys.stdout.write(f"floors: psutil {psutil.__version__}, prometheus-client {version}, missing {missing}\n")
    return 0 if is_counted and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
