"""Records trading events: counted in this process at once, sent to the metrics service in the background.

All collectors of a process share one `ProcessRecorder`, so a monitor shows the records of every part of the bot.
"""

import os
from collections.abc import Callable
from decimal import Decimal

from seatrial.monitoring.collecting import validation
from seatrial.monitoring.collecting.recorder import ProcessRecorder, of_process
from seatrial.monitoring.collecting.validation import DroppedValue
from seatrial_core import catalog
from seatrial_core.redaction import redact

ENVIRONMENTS = ("live", "paper", "replay", "stress")


class MetricsCollector:
    """Records trading events; never waits for the network or a disk and never raises for an invalid value.

    Args:
        engine: The name of the engine that the events come from.
        account: The account that they belong to.
        environment: `live`, `paper`, `replay` or `stress`; None reads SEATRIAL_ENVIRONMENT, else `live`.
        recorder: The recorder to use; the one of this process by default.

    Raises:
        ValueError: The environment is not one of the four.

    Example:
        metrics = MetricsCollector()
        metrics.record_trade("rsi_bollinger", "BUY", "filled", 1.25)
    """

    def __init__(
        self,
        *,
        engine: str = "default",
        account: str = "default",
        environment: str | None = None,
        recorder: ProcessRecorder | None = None,
    ) -> None:
        environment = environment or os.environ.get("SEATRIAL_ENVIRONMENT") or "live"
        if environment not in ENVIRONMENTS:
            raise ValueError(f"the environment must be one of {', '.join(ENVIRONMENTS)}, was {environment!r}")
        self.recorder = recorder or of_process()
        self._base = {"engine": engine, "account": account, "environment": environment}
        self._account = account
        self.recorder.prime()

    def record_trade(
        self,
        strategy: str,
        side: str,
        status: str,
        duration: float,
        *,
        trade_id: str | None = None,
        symbol: str | None = None,
        quantity: object = None,
        price: object = None,
        pnl: object = None,
        fee: object = None,
    ) -> None:
        """Record one trade.

        Args:
            strategy: The strategy's name, 1 to 128 printable characters; likewise side, status, trade_id and symbol.
            side: BUY or SELL, in any case.
            status: filled, success, rejected, failed, or a status of your own.
            duration: The duration of the execution in seconds, 0 to one year.
            trade_id: The id of the trade; a repeated id is not counted twice.
            symbol: The traded symbol.
            quantity: The traded quantity, >= 0.
            price: The price of one unit in account currency, >= 0.
            pnl: Profit or loss in account currency, net of the fees of both sides; only on a trade that closes a
                position.
            fee: The fee of this execution in account currency, >= 0.

        An invalid value drops the record and counts it in `trading_events_dropped_total{reason}`.
        """
        self._guarded(
            lambda: self._trade((strategy, side, status), duration, (trade_id, symbol), (quantity, price, pnl, fee))
        )

    def record_api_latency(self, endpoint: str, seconds: float, *, ok: bool = True) -> None:
        """Record one call to an exchange or broker.

        Args:
            endpoint: The called endpoint, 1 to 128 printable characters.
            seconds: The duration of the call, 0 to one year.
            ok: Whether the call succeeded.
        """
        self._guarded(lambda: self._call(endpoint, seconds, ok))

    def record_webhook(self, status: str) -> None:
        """Record one received webhook with the status of its handling, 1 to 128 printable characters."""
        self._guarded(lambda: self._labelled(catalog.TRADING_WEBHOOKS, "webhook", "status", status))

    def record_error(self, kind: str) -> None:
        """Record one error of a kind, 1 to 128 printable characters."""

        def record() -> None:
            self._labelled(catalog.TRADING_ERRORS, "error", "kind", kind)
            self.recorder.activity.error(self.recorder.clock.monotonic())

        self._guarded(record)

    def update_system_metrics(self) -> None:
        """Sample processor, memory and disk of this machine once, in percent."""
        sample = self.recorder.sample_system()
        self.recorder.counters.set_gauges(
            {
                catalog.SYSTEM_CPU: sample.cpu_percent,
                catalog.SYSTEM_MEMORY: sample.memory_percent,
                catalog.SYSTEM_DISK: sample.disk_percent,
            }
        )
        figures = {"cpu_percent": sample.cpu_percent, "memory_percent": sample.memory_percent}
        self._send("system", **figures, disk_percent=sample.disk_percent)

    def heartbeat(self) -> None:
        """Send a heartbeat of this bot."""
        self._send("heartbeat")

    def open_account(self, opening_balance: float, currency: str = "USD") -> None:
        """Record the opening balance of the account, >= 0; the ledger uses the earliest one."""
        self._guarded(
            lambda: self._send("account", opening_balance=validation.amount(opening_balance), currency=currency)
        )

    def mark_equity(self, equity: float, open_positions: int | None = None, risk_at_stop: float | None = None) -> None:
        """Record the current equity of the account.

        Args:
            equity: In account currency.
            open_positions: The number of open positions.
            risk_at_stop: The loss in account currency if every stop were hit now, >= 0.
        """

        def mark() -> None:
            risk = validation.amount(risk_at_stop)
            self._send("equity", equity=validation.money(equity), open_positions=open_positions, risk_at_stop=risk)

        self._guarded(mark)

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Send or spill every record so far; return whether the metrics service has accepted all of them."""
        return self.recorder.sender.flush(timeout_seconds)

    def _trade(
        self,
        labels: tuple[object, object, object],
        duration: object,
        names: tuple[object, object],
        amounts: tuple[object, object, object, object],
    ) -> None:
        strategy, side, status = (validation.text(label) for label in labels)
        duration_seconds = validation.seconds(duration)
        quantity, price = validation.amount(amounts[0]), validation.amount(amounts[1])
        pnl, fee = validation.money(amounts[2]), validation.money(amounts[3])
        trade_id, symbol = (None if name is None else validation.text(name) for name in names)
        if trade_id is not None and not self.recorder.is_new_trade(self._account, trade_id):
            self.recorder.drop("duplicate")
            return
        self.recorder.counters.count_trade(strategy, side.upper(), status, duration_seconds)
        self.recorder.activity.trade(self.recorder.clock.monotonic())
        if pnl is not None:
            self.recorder.closed_trades.add(Decimal(pnl), self.recorder.clock.now())
        labelled = {"strategy": strategy, "side": side.upper(), "status": status, "duration_seconds": duration_seconds}
        details = {"trade_id": trade_id, "symbol": symbol, "quantity": quantity, "price": price, "pnl": pnl, "fee": fee}
        self._send("trade", **labelled, **details)

    def _call(self, endpoint: object, seconds: object, ok: object) -> None:
        # An endpoint may be a whole address with a key in it, which must become no label.
        name, duration_seconds = redact(validation.text(endpoint)), validation.seconds(seconds)
        self.recorder.counters.observe(catalog.API_REQUEST_DURATION, duration_seconds, name)
        self.recorder.activity.call(self.recorder.clock.monotonic(), name, duration_seconds, bool(ok))
        self._send("api_call", endpoint=name, seconds=duration_seconds, ok=bool(ok))

    def _labelled(self, family: catalog.Metric, event: str, field: str, value: object) -> None:
        checked = validation.text(value)
        self.recorder.counters.count(family, checked)
        self._send(event, **{field: checked})

    def _send(self, event: str, **fields: object) -> None:
        values = {name: value for name, value in fields.items() if value is not None}
        self.recorder.send({"type": event, **self._base, **values})

    def _guarded(self, record: Callable[[], None]) -> None:
        try:
            record()
        except DroppedValue as dropped:
            self.recorder.drop(dropped.reason)
