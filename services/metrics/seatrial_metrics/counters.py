"""Counts events: counters, activity by second and state by engine; the order of events makes no difference."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from seatrial_core import catalog
from seatrial_core.contracts.events import (
    ApiCallEvent,
    DroppedEvent,
    ErrorEvent,
    Event,
    HeartbeatEvent,
    SystemEvent,
    TradeEvent,
    WebhookEvent,
)

ONE = Decimal(1)
SUM = "sum"


class Family(StrEnum):
    """The families of counter rows, named after their metrics."""

    TRADES = catalog.TRADES.name
    TRADE_DURATION = catalog.TRADE_DURATION.name
    API_REQUEST_DURATION = catalog.API_REQUEST_DURATION.name
    HOLDING = catalog.POSITION_HOLDING.name
    WEBHOOKS = catalog.TRADING_WEBHOOKS.name
    ERRORS = catalog.TRADING_ERRORS.name
    API_FAILURES = catalog.API_FAILURES.name
    EVENTS = catalog.TRADING_EVENTS.name
    DROPPED = catalog.TRADING_EVENTS_DROPPED.name
    CLOSED_TRADES = catalog.CLOSED_TRADES.name
    STRATEGY_PNL = "strategy_pnl"  # by strategy and account; not on the page


class TradeOutcome(StrEnum):
    """The outcome of a closed trade."""

    WIN = "win"
    LOSS = "loss"
    FLAT = "flat"


class CounterKey(NamedTuple):
    """One counter: its environment, family and up to three labels."""

    environment: str
    family: str
    first: str = ""
    second: str = ""
    third: str = ""


class SecondKey(NamedTuple):
    """One second of one account; `endpoint` is empty for everything but API calls."""

    environment: str
    account: str
    endpoint: str
    second: datetime


@dataclass
class SecondCount:
    """The activity of one second."""

    trades: int = 0
    api_calls: int = 0
    failed_calls: int = 0
    errors: int = 0
    slowest_seconds: Decimal | None = None


@dataclass
class ClosedCount:
    """Filled and closed trades of one account, and the summed profit of the closed ones."""

    filled: int = 0
    wins: int = 0
    losses: int = 0
    flats: int = 0
    pnl: Decimal = Decimal(0)


@dataclass
class EngineActivity:
    """The newest event, heartbeat and machine sample of an engine."""

    last_occurred_at: datetime
    heartbeat_at: datetime | None = None
    system: SystemEvent | None = None


@dataclass
class CounterChanges:
    """What a group of events adds to the counters."""

    counters: dict[CounterKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    seconds: dict[SecondKey, SecondCount] = field(default_factory=lambda: defaultdict(SecondCount))
    closed: dict[tuple[str, str], ClosedCount] = field(default_factory=lambda: defaultdict(ClosedCount))
    engines: dict[tuple[str, str], EngineActivity] = field(default_factory=dict)

    def count(self, environment: str, family: Family, *labels: str, by: Decimal = ONE) -> None:
        """Add to one counter."""
        self.counters[CounterKey(environment, family.value, *labels)] += by

    def observe(self, environment: str, metric: catalog.Metric, family: Family, label: str, seconds: float) -> None:
        """Add one observation to a histogram: its bucket and its sum."""
        bucket = bisect_left(metric.buckets, seconds)
        self.count(environment, family, label, str(bucket))
        self.count(environment, family, label, SUM, by=Decimal(repr(seconds)))


def count_events(events: Iterable[Event]) -> CounterChanges:
    """Return what events add to the counters; the order of the events makes no difference."""
    result = CounterChanges()
    for event in events:
        _count(result, event)
        _update_engine(result, event)
    return result


def outcome(pnl: Decimal) -> TradeOutcome:
    """Return the outcome of a trade with this profit."""
    return TradeOutcome.WIN if pnl > 0 else TradeOutcome.LOSS if pnl < 0 else TradeOutcome.FLAT


def _count(result: CounterChanges, event: Event) -> None:
    environment = event.environment.value
    match event:
        case TradeEvent():
            _count_trade(result, event)
        case ApiCallEvent():
            second = _second(result, event, event.endpoint)
            second.api_calls += 1
            failed = int(not event.ok)
            second.failed_calls += failed
            # A call that succeeded counts 0: `increase()` misses the first failure of a series that begins with it.
            result.count(environment, Family.API_FAILURES, event.endpoint, by=Decimal(failed))
            seconds = Decimal(repr(event.seconds))
            second.slowest_seconds = max(seconds, second.slowest_seconds or seconds)
            result.observe(
                environment, catalog.API_REQUEST_DURATION, Family.API_REQUEST_DURATION, event.endpoint, event.seconds
            )
        case ErrorEvent():
            _second(result, event, "").errors += 1
            result.count(environment, Family.ERRORS, event.kind)
        case WebhookEvent():
            result.count(environment, Family.WEBHOOKS, event.status)
        case DroppedEvent():
            result.count(environment, Family.DROPPED, event.reason, by=Decimal(event.count))
        case _:
            pass


def _count_trade(result: CounterChanges, event: TradeEvent) -> None:
    environment = event.environment.value
    _second(result, event, "").trades += 1
    result.count(environment, Family.TRADES, event.strategy, event.side, event.status)
    if event.duration_seconds is not None:
        result.observe(environment, catalog.TRADE_DURATION, Family.TRADE_DURATION, "", event.duration_seconds)
    if event.holding_seconds is not None:
        result.observe(environment, catalog.POSITION_HOLDING, Family.HOLDING, "", event.holding_seconds)
    closed = result.closed[environment, event.account]
    closed.filled += int(event.pnl is not None or event.status == "filled")
    if event.pnl is None:
        return
    ending = outcome(event.pnl)
    result.count(environment, Family.CLOSED_TRADES, event.strategy, ending.value)
    result.count(environment, Family.STRATEGY_PNL, event.strategy, event.account, by=event.pnl)
    closed.pnl += event.pnl
    closed.wins += int(ending is TradeOutcome.WIN)
    closed.losses += int(ending is TradeOutcome.LOSS)
    closed.flats += int(ending is TradeOutcome.FLAT)


def _second(result: CounterChanges, event: Event, endpoint: str) -> SecondCount:
    second = event.occurred_at.replace(microsecond=0)
    return result.seconds[SecondKey(event.environment.value, event.account, endpoint, second)]


def _update_engine(result: CounterChanges, event: Event) -> None:
    key = (event.environment.value, event.engine)
    state = result.engines.setdefault(key, EngineActivity(event.occurred_at))
    state.last_occurred_at = max(state.last_occurred_at, event.occurred_at)
    if isinstance(event, HeartbeatEvent):
        state.heartbeat_at = max(event.occurred_at, state.heartbeat_at or event.occurred_at)
    if isinstance(event, SystemEvent) and (state.system is None or event.occurred_at >= state.system.occurred_at):
        state.system = event
