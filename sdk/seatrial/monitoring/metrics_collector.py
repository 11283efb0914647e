"""Records trading events: counted in this process at once, sent to the metrics service in the background.

All collectors of a process share one `ProcessRecorder`, so a monitor shows the records of every part of the bot.
"""

import logging
import os
from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seatrial.monitoring.collecting import validation
from seatrial.monitoring.collecting.money import AccountKey, AccountOpening, MoneyMovement, MovementKind
from seatrial.monitoring.collecting.recorder import ProcessRecorder, of_process
from seatrial.monitoring.collecting.validation import DroppedValue
from seatrial_core import catalog
from seatrial_core.redaction import redact

ENVIRONMENTS = ("live", "paper", "replay", "stress")
BALANCE_VARIABLE = "INITIAL_BALANCE"
CURRENCY_VARIABLE = "SEATRIAL_CURRENCY"
ZONE_VARIABLE = "SEATRIAL_SESSION_ZONE"

log = logging.getLogger("seatrial")


class MetricsCollector:
    """Records trading events; never waits for the network or a disk and never raises for an invalid value.

    Args:
        engine: The name of the engine that the events come from.
        account: The account that they belong to.
        environment: `live`, `paper`, `replay` or `stress`; None reads SEATRIAL_ENVIRONMENT, else `live`.
        recorder: The recorder to use; the one of this process by default.
        initial_balance: The balance of the account before its first trade, >= 0, from which its equity and drawdown are
            derived; None reads INITIAL_BALANCE for the first account of the process that records money. The ledger
            keeps the earliest one of an account, so a restart may pass it again.
        currency: The currency of the account; None reads SEATRIAL_CURRENCY, else `USD`.
        session_zone: The IANA time zone in which its days begin; None reads SEATRIAL_SESSION_ZONE, else `UTC`.

    Raises:
        ValueError: The environment is not one of the four, the balance is no amount >= 0 or the zone is unknown.

    Example:
        metrics = MetricsCollector(initial_balance=10_000)
        metrics.record_trade("rsi_bollinger", "SELL", "filled", 1.25, pnl=-120)
    """

    def __init__(
        self,
        *,
        engine: str = "default",
        account: str = "default",
        environment: str | None = None,
        recorder: ProcessRecorder | None = None,
        initial_balance: object = None,
        currency: str | None = None,
        session_zone: str | None = None,
    ) -> None:
        environment = environment or os.environ.get("SEATRIAL_ENVIRONMENT") or "live"
        if environment not in ENVIRONMENTS:
            raise ValueError(f"the environment must be one of {', '.join(ENVIRONMENTS)}, was {environment!r}")
        self.recorder = recorder or of_process()
        self._base = {"engine": engine, "account": account, "environment": environment}
        self.recorder.losses.name(self._base)
        self._key = AccountKey(environment, account)
        self._currency = currency or os.environ.get(CURRENCY_VARIABLE) or "USD"
        self._zone = _checked_zone(session_zone or os.environ.get(ZONE_VARIABLE) or "UTC")
        self._opening = self._opening_of("initial_balance", initial_balance)
        default = self._opening_of(BALANCE_VARIABLE, os.environ.get(BALANCE_VARIABLE) or None)
        if default is not None:
            self.recorder.money.offer_default(default)
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
            trade_id: The id of the trade, shared by its entry, its exits and its changes of status; a repeated call
                with equal values is not counted twice.
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

    def open_account(
        self, opening_balance: object, currency: str | None = None, session_zone: str | None = None
    ) -> None:
        """Record the opening balance of the account, >= 0; the ledger uses the earliest one.

        Args:
            opening_balance: In account currency.
            currency: The currency of the account; None takes that of the collector.
            session_zone: The IANA time zone in which its days begin; None takes that of the collector.
        """

        def open_account() -> None:
            balance = validation.amount(opening_balance)
            if balance is None:
                raise DroppedValue("none")
            zone = validation.text(session_zone or self._zone)
            self._open(AccountOpening(balance, validation.text(currency or self._currency), zone))

        self._guarded(open_account)

    def mark_equity(self, equity: float, open_positions: int | None = None, risk_at_stop: float | None = None) -> None:
        """Record the current equity of the account: its cash and the value of its open positions.

        Without marks the equity is derived from the opening balance and what was recorded, so it misses the profit or
        loss of open positions. From the first mark on, only marks change the equity.

        Args:
            equity: In account currency, deposits included; record these with `record_transfer` before the mark.
            open_positions: The number of open positions.
            risk_at_stop: The loss in account currency if every stop were hit now, >= 0.
        """

        def mark() -> None:
            risk, value = validation.amount(risk_at_stop), _given(validation.money(equity))
            self._open_once(needs_balance=False)
            self._move(MovementKind.MARK, value)
            self._send("equity", equity=value, open_positions=open_positions, risk_at_stop=risk)

        self._guarded(mark)

    def record_transfer(self, amount: object) -> None:
        """Record a deposit (positive) or a withdrawal (negative) in account currency; it is no profit and no loss."""
        self._guarded(lambda: self._record_amount("transfer", MovementKind.FLOW, amount, 1))

    def record_funding(self, amount: object) -> None:
        """Record funding, interest or a dividend that was received (positive) or paid (negative)."""
        self._guarded(lambda: self._record_amount("funding", MovementKind.RESULT, amount, 1))

    def record_fee(self, amount: object) -> None:
        """Record a fee that was paid (positive) or a rebate (negative), if no `pnl` of `record_trade` includes it."""
        self._guarded(lambda: self._record_amount("fee", MovementKind.RESULT, amount, -1))

    def record_fx_rate(self, base: str, quote: str, rate: object, source: str = "") -> None:
        """Record an exchange rate, from which the portfolio converts accounts of other currencies.

        Args:
            base: The currency whose price it is, such as EUR.
            quote: The currency of the price, such as USD.
            rate: The price of one unit of `base` in `quote`, > 0.
            source: Where the rate comes from, up to 128 characters.
        """

        def record() -> None:
            price = _given(validation.amount(rate))
            if not Decimal(price):
                raise DroppedValue("zero")
            origin = {"source": validation.text(source)} if source else {}
            self._send("fx_rate", base=validation.text(base), quote=validation.text(quote), rate=price, **origin)

        self._guarded(record)

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
        labelled = {"strategy": strategy, "side": side.upper(), "status": status, "duration_seconds": duration_seconds}
        details = {"trade_id": trade_id, "symbol": symbol, "quantity": quantity, "price": price, "pnl": pnl, "fee": fee}
        if not self.recorder.is_new_execution({"account": self._key.account, **labelled, **details}):
            self.recorder.drop("duplicate")
            return
        self.recorder.counters.count_trade(strategy, side.upper(), status, duration_seconds)
        self.recorder.activity.trade(self.recorder.clock.monotonic())
        if pnl is not None:
            self._open_once()
            self.recorder.add_result(self._key, Decimal(pnl), is_trade=True)
        self._send("trade", **labelled, **details)

    def _call(self, endpoint: object, seconds: object, ok: object) -> None:
        # An endpoint may be a whole address with a key in it, which must become no label.
        name, duration_seconds = redact(validation.text(endpoint)), validation.seconds(seconds)
        self.recorder.counters.observe(catalog.API_REQUEST_DURATION, duration_seconds, name)
        self.recorder.activity.call(self.recorder.clock.monotonic(), name, duration_seconds, bool(ok))
        self._send("api_call", endpoint=name, seconds=duration_seconds, ok=bool(ok))

    def _record_amount(self, event: str, kind: MovementKind, amount: object, sign: int) -> None:
        checked = _given(validation.money(amount))
        self._open_once()
        self._move(kind, str(sign * Decimal(checked)))
        self._send(event, amount=checked)

    def _move(self, kind: MovementKind, amount: str) -> None:
        self.recorder.money.add(MoneyMovement(self.recorder.clock.now(), self._key, kind, Decimal(amount)))

    def _open_once(self, *, needs_balance: bool = True) -> None:
        money = self.recorder.money
        if money.is_open(self._key):
            return
        opening = self._opening or money.take_default()
        if opening is not None:
            self._open(opening)
        elif not needs_balance:
            money.open(self._key)
        elif money.warn_once(self._key):
            log.warning(
                "account %r has no opening balance, so its equity, drawdown and daily loss are unknown and raise no "
                "alert; pass MetricsCollector(initial_balance=...), set %s, or call mark_equity()",
                self._key.account,
                BALANCE_VARIABLE,
            )

    def _open(self, opening: AccountOpening) -> None:
        self.recorder.money.open(self._key)
        self._move(MovementKind.OPENING, opening.balance)
        self._send("account", **opening.fields())

    def _opening_of(self, name: str, balance: object) -> AccountOpening | None:
        try:
            amount = validation.amount(balance)
        except DroppedValue as dropped:
            raise ValueError(f"{name} must be an amount from 0 up, was {balance!r} ({dropped.reason})") from None
        return None if amount is None else AccountOpening(amount, self._currency, self._zone)

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


def _given(amount: str | None) -> str:
    if amount is None:
        raise DroppedValue("none")
    return amount


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f"session_zone must be an IANA time zone such as Europe/Berlin, was {name!r}") from None
    return name
