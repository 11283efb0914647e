"""A monitored paper bot: trades a file of bars, serves metrics and accepts signed webhooks until Ctrl-C.

WEBHOOK_SECRET=... python examples/main.py prices.csv
"""

import os
import signal
import sys

from seatrial.config.trading_config import TradingConfig
from seatrial.engine.trading_engine import TradingEngine
from seatrial.monitoring import PerformanceMonitor


def main(bars: str) -> None:
    """Trade, serve metrics and accept webhooks until interrupted."""
    config = TradingConfig(
        symbol="BTCUSDT",
        strategy="rsi_bollinger",
        bars=bars,
        webhook_secret=os.environ["WEBHOOK_SECRET"],
        alert_thresholds={"max_drawdown": 0.15},
    )
    engine = TradingEngine(config)

    # Metrics on http://localhost:9999/metrics (or MONITORING_PORT), alerts in the log and at ALERT_WEBHOOK_URL.
    monitor = PerformanceMonitor(engine.db_manager, config)
    monitor.start_monitoring()
    engine.start_auto_trading()

    # SIGTERM, which stops a container or a service, acts like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        engine.webhook_handler.run(host="127.0.0.1", port=int(os.environ.get("WEBHOOK_PORT", "5000")))
    except KeyboardInterrupt:
        monitor.stop_monitoring()
        engine.stop_trading()


if __name__ == "__main__":
    main(sys.argv[1])
