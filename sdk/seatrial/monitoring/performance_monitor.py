"""Watches one trading bot from inside its process: figures, the metrics page and the five thresholds.

Where Seatrial's metrics service answers on the port, figures are pushed to it; else this process serves the page.
"""

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, time
from decimal import Decimal

from seatrial.monitoring.collecting.recorder import ProcessRecorder, of_process
from seatrial.monitoring.collecting.transport import Peer, identify
from seatrial.monitoring.metrics_collector import MetricsCollector
from seatrial.monitoring.watching import figures, options
from seatrial.monitoring.watching.bot_adapter import AccountSnapshot, BotAdapter
from seatrial.monitoring.watching.figures import MonitorReading
from seatrial.monitoring.watching.notifications import WebhookQueue
from seatrial.monitoring.watching.options import MonitorOptions
from seatrial.monitoring.watching.page import MetricsPage
from seatrial.monitoring.watching.threshold_evaluator import ThresholdEvaluator, alerts_service_answers
from seatrial_core import catalog
from seatrial_core.figures.equity import EquityState

STOP_SECONDS = 0.8

log = logging.getLogger("seatrial")


class PerformanceMonitor:
    """Shows a bot's figures at /metrics and watches the five thresholds, in threads that never keep the process alive.

    Args:
        db_manager: Where the bot's figures come from: an object with some of `get_trades(since)`,
            `get_open_positions()` and `get_balance()`, the http address of a Seatrial metrics service, or None.
        config: Any object; see `seatrial.monitoring.watching.options.read` for what is read of it.
        port: Where the page or the metrics service is; else the config's, MONITORING_PORT, 9999.
        interval: Seconds between two readings; else the config's, METRICS_UPDATE_INTERVAL, 30.
        alert_thresholds: Changes of the five thresholds.
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
        self._owner = BotAdapter(db_manager)
        self._service_url = (
            db_manager if isinstance(db_manager, str) and db_manager.startswith(("http://", "https://")) else None
        )
        self._recorder = recorder or of_process()
        self._lock = threading.Lock()
        self._watch: _Watch | None = None
        self.last_results: dict[str, object] | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether the monitor has been started and not stopped."""
        return self._watch is not None

    @property
    def address(self) -> str | None:
        """Return where the figures are to be seen, or None while the monitor stands still."""
        watch = self._watch
        return None if watch is None else watch.address

    def start_monitoring(self) -> None:
        """Start; returns at once, and a second start changes nothing.

        Raises:
            OSError: Something else than Seatrial's metrics service is on the port.
            ValueError: An option is not allowed; the text names it.
        """
        with self._lock:
            if self._watch is not None:
                return
            port, interval, thresholds = self._arguments
            chosen = options.read(self._config, port=port, interval=interval, alert_thresholds=thresholds)
            self._watch = _Watch(self._owner, chosen, self._recorder, self._service_url)

    def stop_monitoring(self) -> None:
        """Stop and free the port; may be called again, and the monitor may be started again."""
        with self._lock:
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()


class _Watch:
    """One run of a monitor, from start to stop."""

    def __init__(
        self, owner: BotAdapter, chosen: MonitorOptions, recorder: ProcessRecorder, service_url: str | None
    ) -> None:
        self._owner = owner
        self._options = chosen
        self._recorder = recorder
        self._collector = MetricsCollector(account=chosen.account, environment=chosen.environment, recorder=recorder)
        self._judge = ThresholdEvaluator(chosen)
        self._notices = WebhookQueue(chosen.webhook_url, chosen.webhook_secret, recorder.clock)
        self._course: EquityState | None = None
        self._opened = self._said_alone = False
        self._stopping = threading.Event()
        self.address, self._page = _open(chosen.port, recorder, service_url)
        self._thread = threading.Thread(target=self._run, name="seatrial-monitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Free the port, then end the thread."""
        self._stopping.set()
        if self._page is not None:
            self._page.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        self._owner.say_what_is_missing()
        while not self._stopping.is_set():
            try:
                self._tick()
            except Exception:
                self._recorder.counters.count(catalog.TRADING_ERRORS, "monitor")
                log.exception("the monitor could not finish a reading")
            self._stopping.wait(self._options.interval_seconds)

    def _tick(self) -> None:
        now = self._recorder.clock.now()
        holdings, closed = self._owner.read(), self._recorder.closed_trades.totals()
        self._advance(holdings, now)
        monotonic = self._recorder.clock.monotonic()
        seen = MonitorReading(
            holdings,
            closed,
            self._course,
            self._recorder.activity.slowest_by_endpoint(monotonic),
            self._recorder.activity.counts(monotonic),
        )
        self._recorder.counters.set_gauges(figures.gauges(seen))
        self._collector.update_system_metrics()
        self._push(seen)
        if not self._stopping.is_set():
            self._watch_thresholds(seen, now)

    def _advance(self, holdings: AccountSnapshot, now: datetime) -> None:
        closed = self._recorder.closed_trades.totals()
        equity = figures.equity_of(holdings, closed, self._options.initial_balance)
        if equity is None:
            return
        if self._course is None:
            midnight = datetime.combine(now.date(), time(), UTC)
            today = self._owner.closed_pnl_since(midnight)
            if today is None:
                today = float(closed.day_pnl) if closed.day == now.date() else 0.0
            opening = self._options.initial_balance
            opening = equity if opening is None else opening
            self._course = figures.first_state(opening, equity - today, now)
        self._course = self._course.mark(Decimal(repr(float(equity))), now)

    def _push(self, seen: MonitorReading) -> None:
        course = seen.course
        if self._page is not None and not self._recorder.sender.is_connected:
            return  # nobody takes telemetry now; what was recorded waits in the spill
        self._collector.heartbeat()
        if course is None or self._owner.tells_the_ledger_itself:
            return
        if not self._opened:
            self._collector.open_account(float(course.base))
            self._opened = True
        holdings = seen.holdings
        self._collector.mark_equity(float(course.equity), holdings.positions, holdings.risk_at_stop)

    def _watch_thresholds(self, seen: MonitorReading, now: datetime) -> None:
        if self._page is None and alerts_service_answers():
            self._said_alone = False
            return
        if not self._said_alone:
            self._said_alone = True
            log.warning(
                "no alerts service answers, so this process judges the five thresholds itself; alert history and safe "
                "delivery need the alerts service (`seatrial up`)"
            )
        for notice in self._judge.judge(seen, now):
            self._notices.add(notice)
        self._notices.deliver()


def _open(port: int, recorder: ProcessRecorder, service_url: str | None) -> tuple[str, MetricsPage | None]:
    """Find out who is on the port: push to the metrics service, serve when it is free, refuse a stranger."""
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
