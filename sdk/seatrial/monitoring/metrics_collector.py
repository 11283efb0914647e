"""Records what a trading bot does: counted in this process at once, sent to the metrics service in the background.

All collectors of a process share one `ProcessRecorder`, so that a monitor shows what every part of the bot recorded.
"""

import os
from collections.abc import Callable
from decimal import Decimal

from seatrial.monitoring.collecting import validation
from seatrial.monitoring.collecting.recorder import ProcessRecorder, of_process
from seatrial.monitoring.collecting.validation import DroppedValue
from seatrial_core import catalog

ENVIRONMENTS = ("live", "paper", "replay", "stress")


class MetricsCollector:
    """Records trading events; cheap, never waits for a network or a disk, never raises for a bad value.

    Args:
        engine: Which engine these events come from.
        account: Which account they belong to.
        environment: `live`, `paper`, `replay` or `stress`; None reads SEATRIAL_ENVIRONMENT, else `live`.
        recorder: Another recorder than the process's own, for tests.

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
        named = environment or os.environ.get("SEATRIAL_ENVIRONMENT") or "live"
        if named not in ENVIRONMENTS:
            raise ValueError(f"the environment must be one of {', '.join(ENVIRONMENTS)}, was {named!r}")
        self.recorder = recorder or of_process()
        self._base = {"engine": engine, "account": account, "environment": named}
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
            strategy: Which strategy traded.
            side: BUY or SELL, in any case.
            status: What became of it: filled, success, rejected, failed, or your own word.
            duration: How long the execution took, in seconds.
            trade_id: The trade's identity; the same one again is not counted twice.
            symbol: What was traded.
            quantity: How much.
            price: The price of one.
            pnl: Profit or loss, net of the fees of both sides; only on the trade that closes a position.
            fee: The fee of this execution.
        """
        self._guarded(
            lambda: self._trade((strategy, side, status), duration, trade_id, symbol, (quantity, price, pnl, fee))
        )

    def record_api_latency(self, endpoint: str, seconds: float, *, ok: bool = True) -> None:
        """Record one call to an exchange or broker, how long it took in seconds, and whether it succeeded."""
        self._guarded(lambda: self._call(endpoint, seconds, ok))

    def record_webhook(self, status: str) -> None:
        """Record that a webhook came in and was handled with this status."""
        self._guarded(lambda: self._labelled(catalog.TRADING_WEBHOOKS, "webhook", "status", status))

    def record_error(self, kind: str) -> None:
        """Record that something of this kind went wrong."""

        def record() -> None:
            self._labelled(catalog.TRADING_ERRORS, "error", "kind", kind)
            self.recorder.activity.error(self.recorder.clock.monotonic())

        self._guarded(record)

    def update_system_metrics(self) -> None:
        """Sample processor, memory and disk of this machine once."""
        load = self.recorder.load()
        self.recorder.counters.set_gauges(
            {
                catalog.SYSTEM_CPU: load.cpu_percent,
                catalog.SYSTEM_MEMORY: load.memory_percent,
                catalog.SYSTEM_DISK: load.disk_percent,
            }
        )
        figures = {"cpu_percent": load.cpu_percent, "memory_percent": load.memory_percent}
        self._send("system", **figures, disk_percent=load.disk_percent)

    def heartbeat(self) -> None:
        """Say that this bot is alive."""
        self._send("heartbeat")

    def open_account(self, opening_balance: float, currency: str = "USD") -> None:
        """Say what the account began with; the ledger keeps the earliest."""
        self._guarded(
            lambda: self._send("account", opening_balance=validation.amount(opening_balance), currency=currency)
        )

    def mark_equity(self, equity: float, open_positions: int | None = None, risk_at_stop: float | None = None) -> None:
        """Say what the account is worth now, how many positions are open and what their stops would cost."""

        def mark() -> None:
            risk = validation.amount(risk_at_stop)
            self._send("equity", equity=validation.money(equity), open_positions=open_positions, risk_at_stop=risk)

        self._guarded(mark)

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Send or spill what was recorded so far; return whether a metrics service has all of it."""
        return self.recorder.sender.flush(timeout_seconds)

    def _trade(
        self,
        words: tuple[object, object, object],
        duration: object,
        trade_id: object,
        symbol: object,
        amounts: tuple[object, object, object, object],
    ) -> None:
        strategy, side, status = (validation.text(word) for word in words)
        lasted = validation.seconds(duration)
        quantity, price = validation.amount(amounts[0]), validation.amount(amounts[1])
        pnl, fee = validation.money(amounts[2]), validation.money(amounts[3])
        identity = None if trade_id is None else validation.text(trade_id)
        named = None if symbol is None else validation.text(symbol)
        if identity is not None and not self.recorder.is_new_trade(self._account, identity):
            self.recorder.drop("duplicate")
            return
        self.recorder.counters.count_trade(strategy, side.upper(), status, lasted)
        self.recorder.activity.trade(self.recorder.clock.monotonic())
        if pnl is not None:
            self.recorder.closed_trades.add(Decimal(pnl), self.recorder.clock.now())
        details = {"trade_id": identity, "symbol": named, "quantity": quantity, "price": price, "pnl": pnl, "fee": fee}
        self._send("trade", strategy=strategy, side=side.upper(), status=status, duration_seconds=lasted, **details)

    def _call(self, endpoint: object, seconds: object, ok: object) -> None:
        name, lasted = validation.text(endpoint), validation.seconds(seconds)
        self.recorder.counters.observe(catalog.API_REQUEST_DURATION, lasted, name)
        self.recorder.activity.call(self.recorder.clock.monotonic(), name, lasted, bool(ok))
        self._send("api_call", endpoint=name, seconds=lasted, ok=bool(ok))

    def _labelled(self, family: catalog.Metric, event: str, field: str, value: object) -> None:
        checked = validation.text(value)
        self.recorder.counters.count(family, checked)
        self._send(event, **{field: checked})

    def _send(self, event: str, **fields: object) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        self.recorder.send({"type": event, **self._base, **known})

    def _guarded(self, record: Callable[[], None]) -> None:
        try:
            record()
        except DroppedValue as dropped:
            self.recorder.drop(dropped.reason)
