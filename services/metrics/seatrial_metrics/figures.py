"""The figures of the ledger as read in one transaction, and the formulas over them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_metrics.cardinality import LabelNames
from seatrial_metrics.clock_skew import EngineKey
from seatrial_metrics.counters import CounterKey, SecondCount
from seatrial_metrics.equity import AccountEquity
from seatrial_metrics.portfolio import PortfolioCurve

RECENT_SYSTEM = timedelta(minutes=2)
# An engine that has sent nothing for so long was taken out of service; until then its silence is an alert.
RETIRED_ENGINE = timedelta(days=7)
ROLLING_WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class AccountFigures:
    """One account as stored."""

    environment: str
    account: AccountEquity
    updated_at: datetime
    closed: "ClosedTradeSums"
    filled_trades: int = 0
    late_events: int = 0
    last_occurred_at: datetime | None = None


@dataclass(frozen=True)
class ClosedTradeSums:
    """Closed trades and their summed profit."""

    wins: int = 0
    losses: int = 0
    flats: int = 0
    pnl: Decimal = Decimal(0)

    @property
    def trades(self) -> int:
        """Return the number of closed trades."""
        return self.wins + self.losses + self.flats

    def __add__(self, other: "ClosedTradeSums") -> "ClosedTradeSums":
        return ClosedTradeSums(
            self.wins + other.wins, self.losses + other.losses, self.flats + other.flats, self.pnl + other.pnl
        )


@dataclass(frozen=True)
class PortfolioFigures:
    """The portfolio curve of one environment as stored."""

    curve: PortfolioCurve
    updated_at: datetime
    restating_since: datetime | None = None


@dataclass(frozen=True)
class EngineFigures:
    """One engine as stored."""

    environment: str
    engine: str
    last_occurred_at: datetime
    heartbeat_at: datetime | None = None
    system_received_at: datetime | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk_percent: float | None = None


@dataclass(frozen=True)
class Figures:
    """The state of the ledger at one sequence.

    Args:
        as_of: The instant of reading.
        sequence: The sequence of the last event.
        accounts: Every account.
        portfolios: The portfolio of each environment.
        counters: Counters, in the order in which they were first counted.
        windows: The activity of the last five minutes by (environment, account).
        slowest_calls: The slowest call of the last minute in seconds by (environment, endpoint); None without a call.
        engines: Every engine that has sent an event.
        growth_before: The time-weighted growth 24 hours ago by (environment, account); without an account that of the
            portfolio. A younger curve has none.
        label_names: Which label values have series of their own on the page.
        clock_skews: The seconds by which the clocks of engines are ahead.
    """

    as_of: datetime
    sequence: int = 0
    accounts: Sequence[AccountFigures] = ()
    portfolios: Mapping[str, PortfolioFigures] = field(default_factory=dict)
    counters: Mapping[CounterKey, Decimal] = field(default_factory=dict)
    windows: Mapping[tuple[str, str], SecondCount] = field(default_factory=dict)
    slowest_calls: Mapping[tuple[str, str], Decimal | None] = field(default_factory=dict)
    engines: Sequence[EngineFigures] = ()
    growth_before: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    label_names: LabelNames = field(default_factory=LabelNames)
    clock_skews: Mapping[EngineKey, Decimal] = field(default_factory=dict)

    @property
    def environments(self) -> list[str]:
        """Return the environments with an engine or an account, sorted."""
        names = {engine.environment for engine in self.engines}
        return sorted(names | {account.environment for account in self.accounts})

    def last_occurred_at(self, environment: str) -> datetime:
        """Return when the newest event of an environment occurred."""
        return max(
            (engine.last_occurred_at for engine in self.engines if engine.environment == environment),
            default=self.as_of,
        )


def engines_in_service(figures: Figures) -> list[EngineFigures]:
    """Return the engines that have sent something within a week, the most recent first; none of stress traffic."""
    engines = [
        engine
        for engine in figures.engines
        if engine.environment != Environment.STRESS and figures.as_of - engine.last_occurred_at <= RETIRED_ENGINE
    ]
    return sorted(engines, key=lambda engine: engine.last_occurred_at, reverse=True)


def profit_by_strategy(figures: Figures, family: str) -> Mapping[tuple[str, str], Mapping[str, Decimal] | None]:
    """Return the profit of closed trades by (environment, strategy), by currency.

    None where an account of the strategy has closed trades that were not counted by strategy, before that was stored.

    Args:
        figures: The state of the ledger.
        family: The family of the counters by strategy and account.
    """
    rows = [(key, value) for key, value in figures.counters.items() if key.family == family]
    counted: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for key, value in rows:
        counted[key.environment, key.second] += value
    accounts = {(account.environment, account.account.name): account for account in figures.accounts}
    result: dict[tuple[str, str], dict[str, Decimal] | None] = {}
    for key, value in rows:
        account = accounts.get((key.environment, key.second))
        strategy = (key.environment, key.first)
        sums = result.setdefault(strategy, {})
        if account is None or counted[key.environment, key.second] != account.closed.pnl:
            result[strategy] = None
        elif sums is not None:
            currency = account.account.currency
            sums[currency] = sums.get(currency, Decimal(0)) + value
    return result


def closed_by_strategy(figures: Figures, family: str) -> Mapping[tuple[str, str], ClosedTradeSums]:
    """Return the closed trades by (environment, strategy), from the counters of that family."""
    result: dict[tuple[str, str], ClosedTradeSums] = {}
    for key, value in figures.counters.items():
        if key.family == family:
            part = {
                "win": ClosedTradeSums(wins=int(value)),
                "loss": ClosedTradeSums(losses=int(value)),
                "flat": ClosedTradeSums(flats=int(value)),
            }
            strategy = (key.environment, key.first)
            result[strategy] = result.get(strategy, ClosedTradeSums()) + part[key.second]
    return result
