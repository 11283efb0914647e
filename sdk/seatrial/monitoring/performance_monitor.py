"""Monitors one trading bot from inside its process: figures, the metrics page and the five thresholds.

If Seatrial's metrics service answers on the port, figures are pushed to it; otherwise this process serves the page.
"""

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from seatrial.monitoring.collecting.money import AccountOpening
from seatrial.monitoring.collecting.recorder import ProcessRecorder, of_process
from seatrial.monitoring.collecting.transport import Peer, identify
from seatrial.monitoring.metrics_collector import MetricsCollector
from seatrial.monitoring.watching import figures, options
from seatrial.monitoring.watching.bot_adapter import BotAdapter
from seatrial.monitoring.watching.equity_tracker import EquityTracker
from seatrial.monitoring.watching.figures import MonitorReading
from seatrial.monitoring.watching.notifications import WebhookQueue
from seatrial.monitoring.watching.options import MonitorOptions
from seatrial.monitoring.watching.page import MetricsPage
from seatrial.monitoring.watching.threshold_evaluator import ThresholdEvaluator, alerts_service_answers
from seatrial.thread_loop import ThreadLoop
from seatrial_core import catalog
from seatrial_core.figures.equity import EquityState

STOP_SECONDS = 0.8

log = logging.getLogger("seatrial")


class PerformanceMonitor:
    """Shows a bot's figures at /metrics and evaluates the five thresholds, in daemon threads.

    Args:
        db_manager: Where the bot's figures come from: an object with some of `get_trades(since)`,
            `get_open_positions()` and `get_balance()`, the http address of a Seatrial metrics service, or None.
        config: Any object; see `seatrial.monitoring.watching.options.read` for what is read of it.
        port: The port of the page or of the metrics service; default: the config's, MONITORING_PORT, 9999.
        interval: Seconds between two readings; default: the config's, METRICS_UPDATE_INTERVAL, 30.
        alert_thresholds: Overrides some of the five thresholds.
        recorder: Another recorder than the process's own, for tests.

    Example:
        monitor = PerformanceMonitor(engine.db_manager, config)
        monitor.start_monitoring()
    """

    def __init__(
        self,
        db_manager: object = None,
        config: object = None,
        *,
        port: int | None = None,
        interval: float | None = None,
        alert_thresholds: Mapping[str, float] | None = None,
        recorder: ProcessRecorder | None = None,
    ) -> None:
        self._config = config
        self._arguments = (port, interval, alert_thresholds)
        options.thresholds(getattr(config, "alert_thresholds", None), alert_thresholds)
        self._adapter = BotAdapter(db_manager)
        self._service_url = (
            db_manager if isinstance(db_manager, str) and db_manager.startswith(("http://", "https://")) else None
        )
        self._recorder = recorder or of_process()
        self._lock = threading.Lock()
        self._run: _MonitorRun | None = None
        self.last_results: dict[str, object] | None = None

    @property
    def is_running(self) -> bool:
        """Return whether the monitor has been started and not stopped."""
        return self._run is not None

    @property
    def address(self) -> str | None:
        """Return the address of the metrics page, or None while the monitor is stopped."""
        run = self._run
        return None if run is None else run.address

    def start_monitoring(self) -> None:
        """Start in the background; a second call changes nothing.

        Raises:
            OSError: A program other than Seatrial's metrics service uses the port.
            ValueError: An option is not allowed; the message names it.
        """
        with self._lock:
            if self._run is not None:
                return
            port, interval, thresholds = self._arguments
            monitor_options = options.read(self._config, port=port, interval=interval, alert_thresholds=thresholds)
            self._run = _MonitorRun(self._adapter, monitor_options, self._recorder, self._service_url)

    def stop_monitoring(self) -> None:
        """Stop and free the port; a second call changes nothing, and the monitor can be started again."""
        with self._lock:
            run, self._run = self._run, None
        if run is not None:
            run.stop()


class _MonitorRun:
    """One run of a monitor, from start to stop."""

    def __init__(
        self, adapter: BotAdapter, monitor_options: MonitorOptions, recorder: ProcessRecorder, service_url: str | None
    ) -> None:
        self._adapter = adapter
        self._options = monitor_options
        self._recorder = recorder
        self._collector = MetricsCollector(
            account=monitor_options.account, environment=monitor_options.environment, recorder=recorder
        )
        self._evaluator = ThresholdEvaluator(monitor_options)
        self._notifications = WebhookQueue(monitor_options.webhook_url, monitor_options.webhook_secret, recorder.clock)
        if monitor_options.initial_balance is not None and monitor_options.initial_balance >= 0:
            balance = str(Decimal(repr(float(monitor_options.initial_balance))))
            recorder.offer_opening(AccountOpening(balance, monitor_options.currency, monitor_options.session_zone))
        self._equity: EquityState | None = None
        self._has_opened_account = self._has_logged_alone = False
        self._loop = ThreadLoop(
            "seatrial-monitor", self._read_once, monitor_options.interval_seconds, self._count_failure
        )
        self.address, self._page = _open(monitor_options.port, recorder, service_url)
        self._tracker = EquityTracker(recorder, monitor_options, adapter)
        self._loop.start()

    def stop(self) -> None:
        """Free the port, then end the thread."""
        self._loop.stop()
        if self._page is not None:
            self._page.close()
        self._loop.join(STOP_SECONDS)

    def _count_failure(self) -> None:
        self._recorder.counters.count(catalog.TRADING_ERRORS, "monitor")
        log.exception("a reading of the monitor failed")

    def _read_once(self) -> None:
        self._adapter.log_missing_methods()
        now = self._recorder.clock.now()
        account, closed = self._adapter.read(), self._recorder.closed_trades.totals()
        self._equity = self._tracker.read(account, now)
        monotonic = self._recorder.clock.monotonic()
        reading = MonitorReading(
            account,
            closed,
            self._equity,
            self._recorder.activity.slowest_by_endpoint(monotonic),
            self._recorder.activity.counts(monotonic),
        )
        self._recorder.counters.set_gauges(figures.gauges(reading))
        self._collector.update_system_metrics()
        self._push(reading)
        if not self._loop.is_stopping:
            self._evaluate_thresholds(reading, now)

    def _push(self, reading: MonitorReading) -> None:
        equity, account = reading.equity_state, reading.account
        if self._page is not None and not self._recorder.sender.is_connected:
            return  # no service takes telemetry now; what was recorded waits in the spill
        self._collector.heartbeat()
        if equity is None or self._tracker.is_recorded or self._adapter.sends_account_events:
            return  # the ledger derives the equity from the same recorded amounts
        if not self._has_opened_account:
            self._collector.open_account(float(equity.base), self._options.currency, self._options.session_zone)
            self._has_opened_account = True
        self._collector.mark_equity(float(equity.equity), account.positions, account.risk_at_stop)

    def _evaluate_thresholds(self, reading: MonitorReading, now: datetime) -> None:
        if self._page is None and alerts_service_answers():
            self._has_logged_alone = False
            return
        if not self._has_logged_alone:
            self._has_logged_alone = True
            log.warning(
                "no alerts service answers, so this process evaluates the five thresholds itself; alert history and "
                "safe delivery need the alerts service (`seatrial up`)"
            )
        for notification in self._evaluator.evaluate(reading, now):
            self._notifications.add(notification)
        self._notifications.deliver()


def _open(port: int, recorder: ProcessRecorder, service_url: str | None) -> tuple[str, MetricsPage | None]:
    # Pushes to the metrics service if it answers on the port, else serves the page there.
    url = f"http://127.0.0.1:{port}"
    for address in filter(None, (service_url, url)):
        peer = identify(address)
        if peer is Peer.SERVICE:
            recorder.send_to(address.rstrip("/"))
            return f"{address.rstrip('/')}/metrics", None
        if address == service_url:
            log.warning("no Seatrial metrics service answers at %s, the monitor's first argument", service_url)
    if peer is Peer.NONE:
        with suppress(OSError):
            return f"{url}/metrics", MetricsPage(recorder.registry, port)
    raise OSError(
        f"port {port} is in use by another program; give the monitor another one with port= or MONITORING_PORT"
    )
