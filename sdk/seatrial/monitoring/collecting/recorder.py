"""The recorder that all collectors of one process share: counters, recent activity, system load and the sender."""

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from seatrial.monitoring.collecting.closed_trades import ClosedTrades
from seatrial.monitoring.collecting.losses import UnreportedLosses
from seatrial.monitoring.collecting.money import (
    AccountKey,
    AccountOpening,
    MoneyMovement,
    MovementKind,
    RecordedMoney,
)
from seatrial.monitoring.collecting.process_counters import ProcessCounters
from seatrial.monitoring.collecting.recent_activity import RecentActivity
from seatrial.monitoring.collecting.sender import EventSender, SenderTargets
from seatrial.monitoring.collecting.spill import SpillFolder, directory, open_for
from seatrial.monitoring.collecting.transport import Transport, prepare
from seatrial_core import catalog
from seatrial_core.addresses import is_loopback_url
from seatrial_core.clients import StackAuth, account_token, service_url
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.event_keys import execution_key_of
from seatrial_core.redaction import redact
from seatrial_core.system_metrics import SystemSample, SystemSampler
from seatrial_core.timestamps import format_rfc3339

DISK_VARIABLE = "SEATRIAL_METRICS_DISK_PATH"
MAX_EXECUTIONS = 50_000


class ProcessRecorder:
    """Counts, samples and sends the records of all collectors of one process.

    Args:
        clock: The time of events; the system clock by default.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        prepare()
        self.clock = clock or SystemClock()
        self.counters = ProcessCounters()
        self.activity = RecentActivity()
        self.closed_trades = ClosedTrades()
        self.money = RecordedMoney()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self.counters)
        self.address: str | None = None
        self.losses = UnreportedLosses()
        targets = SenderTargets(self._connect, self._open_spill, self.drop, self.count_rejected, self.losses)
        self.sender = EventSender(targets, self.clock)
        self._sampler: SystemSampler | None = None
        self._executions: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._executions_lock = threading.Lock()

    def drop(self, reason: str, number: int = 1) -> None:
        """Count lost records by reason, here and with the next batch in the metrics service."""
        self.count_rejected(reason, number)
        if reason != "duplicate":
            self.losses.add(reason, number)

    def count_rejected(self, reason: str, number: int = 1) -> None:
        """Count records that the metrics service refused and has counted itself."""
        self.counters.count(catalog.TRADING_EVENTS_DROPPED, reason, by=number)

    def send(self, event: dict[str, Any]) -> None:
        """Queue an event for sending; id and occurred_at are added where they are missing."""
        self.sender.offer(self.clock.now(), event)

    def relay(self, event: Mapping[str, Any]) -> None:
        """Count and send an event of an engine, which has its own id and instant; stress events are not counted."""
        match event["type"] if event.get("environment") != "stress" else "stress":
            case "trade":
                if not self.is_new_execution(event):
                    return
                duration = event.get("duration_seconds") or 0.0
                self.counters.count_trade(event.get("strategy", ""), event["side"], event.get("status", ""), duration)
                self.activity.trade(self.clock.monotonic())
                if event.get("pnl") is not None:
                    self.add_result(_account_of(event), Decimal(event["pnl"]), is_trade=True)
            case "account":
                self._move(event, MovementKind.OPENING, event["opening_balance"])
                self.money.open(_account_of(event))
            case "equity":
                self._move(event, MovementKind.MARK, event["equity"])
            case "api_call":
                self.counters.observe(catalog.API_REQUEST_DURATION, event["seconds"], event["endpoint"])
                self.activity.call(self.clock.monotonic(), event["endpoint"], event["seconds"], event.get("ok", True))
            case "error":
                self.counters.count(catalog.TRADING_ERRORS, event["kind"])
                self.activity.error(self.clock.monotonic())
            case "webhook":
                self.counters.count(catalog.TRADING_WEBHOOKS, event["status"])
        self.send(dict(event))

    def add_result(self, account: AccountKey, amount: Decimal, *, is_trade: bool = False) -> None:
        """Add a profit, or a loss below zero, to an account."""
        now = self.clock.now()
        if is_trade:
            self.closed_trades.add(amount, now)
        self.money.add(MoneyMovement(now, account, MovementKind.RESULT, amount))

    def offer_opening(self, opening: AccountOpening) -> None:
        """Open the one account that records money without an opening balance, at its first amount or in the future."""
        self.money.offer_default(opening)
        unopened = self.money.without_opening()
        taken = self.money.take_default() if len(unopened) == 1 else None
        if taken is None:
            return
        account, at = unopened[0]
        self.money.open(account)
        self.money.add(MoneyMovement(at, account, MovementKind.OPENING, Decimal(taken.balance)))
        names = {"environment": account.environment, "account": account.account}
        self.send({"type": "account", "occurred_at": format_rfc3339(at), **names, **taken.fields()})

    def send_to(self, url: str) -> None:
        """Send all further batches to the metrics service at this address."""
        if url != self.address:
            self.address = url
            self.sender.reconnect()

    def is_new_execution(self, event: Mapping[str, Any]) -> bool:
        """Return whether the execution of a trade event is not among the last 50,000, and add it to them.

        The ledger has the same rule: `execution_key` of the contracts. An event without trade and id is always new.
        """
        identity = execution_key_of(event) or event.get("id")
        if identity is None:
            return True
        key = (event.get("account", ""), identity)
        with self._executions_lock:
            if key in self._executions:
                return False
            self._executions[key] = None
            if len(self._executions) > MAX_EXECUTIONS:
                self._executions.popitem(last=False)
            return True

    def sample_system(self) -> SystemSample:
        """Sample processor, memory and disk of this machine."""
        self.prime()
        assert self._sampler is not None
        return self._sampler.sample()

    def prime(self) -> None:
        """Start to measure the processor, so that the first sample has a value."""
        if self._sampler is None:
            self._sampler = SystemSampler(self.clock.monotonic, os.environ.get(DISK_VARIABLE) or ".")

    def after_fork(self) -> None:
        """Reset a forked child: an empty buffer, and new locks because the parent's threads may hold the old ones."""
        self.counters.renew_lock()
        self.activity.renew_lock()
        self.closed_trades.renew_lock()
        self.money.renew_lock()
        self.losses.renew()
        self._executions_lock = threading.Lock()
        self.sender.after_fork()

    def _move(self, event: Mapping[str, Any], kind: MovementKind, amount: object) -> None:
        self.money.add(MoneyMovement(self.clock.now(), _account_of(event), kind, Decimal(str(amount))))

    def _connect(self) -> Transport:
        url = self._url
        try:
            return Transport(url, StackAuth(url, is_named=self._is_named))
        except (httpx.InvalidURL, ValueError) as error:
            shown = redact(f"{url!r} ({error})")
            raise ValueError(f"SEATRIAL_METRICS_URL is not a valid address: {shown}") from error

    def _open_spill(self) -> SpillFolder:
        return open_for(self._url, account_token(self._url, is_named=self._is_named))

    @property
    def state_folder(self) -> Path:
        """Return the folder of what a restart of this process needs."""
        return directory()

    @property
    def destination_key(self) -> str:
        """Return the stack that events are sent to, as in the names of spilled batches."""
        try:
            return self._open_spill().destination_key
        except (OSError, ValueError):
            return ""

    @property
    def _url(self) -> str:
        return self.address or metrics_url()

    @property
    def _is_named(self) -> bool:
        # The monitor's port on this machine is an address of the stack too: the user's program has named it.
        return self.address is not None and is_loopback_url(self.address)


def metrics_url(environment: Mapping[str, str] = os.environ) -> str:
    """Return the address of the metrics service: SEATRIAL_METRICS_URL, else loopback with MONITORING_PORT."""
    port = environment.get("MONITORING_PORT") or environment.get("SEATRIAL_METRICS_PORT")
    if port and not environment.get("SEATRIAL_METRICS_URL"):
        return f"http://127.0.0.1:{port}"
    return service_url("metrics", environment)


def _account_of(event: Mapping[str, Any]) -> AccountKey:
    return AccountKey(event.get("environment", "live"), event.get("account", "default"))


_process_lock = threading.Lock()
_process_recorder: ProcessRecorder | None = None


def of_process() -> ProcessRecorder:
    """Return the recorder that all collectors of this process share."""
    global _process_recorder
    with _process_lock:
        if _process_recorder is None:
            _process_recorder = ProcessRecorder()
            atexit.register(_process_recorder.sender.send_abandoned)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_after_fork)
        return _process_recorder


def _after_fork() -> None:
    global _process_lock
    _process_lock = threading.Lock()
    if _process_recorder is not None:
        _process_recorder.after_fork()
