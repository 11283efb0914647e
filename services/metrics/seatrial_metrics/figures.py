"""Everything the service shows, as read from the ledger in one transaction, and what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_core.figures import live
from seatrial_core.figures.figure import Figure, undefined
from seatrial_metrics.counters import CounterKey, SecondCount
from seatrial_metrics.equity import AccountEquity, EquityCurve, EquityState

ERROR_WINDOW = timedelta(minutes=5)
SLOW_CALL_WINDOW = timedelta(seconds=60)
RECENT_SYSTEM = timedelta(minutes=2)
# An instant of which not every account has reported counts when nothing more came for this long.
SETTLE = timedelta(seconds=2)
NO_EQUITY = undefined("no equity event yet")
NOT_TOLD = undefined("the newest equity event of an account does not tell")


@dataclass(frozen=True)
class AccountFigures:
    """One account as stored."""

    environment: str
    account: AccountEquity
    updated_at: datetime
    closed: "ClosedTradeSums"
    late_events: int = 0
    last_occurred_at: datetime | None = None


@dataclass(frozen=True)
class ClosedTradeSums:
    """Closed trades and what they brought."""

    wins: int = 0
    losses: int = 0
    flats: int = 0
    pnl: Decimal = Decimal(0)

    @property
    def trades(self) -> int:
        """Return how many trades are closed."""
        return self.wins + self.losses + self.flats

    def __add__(self, other: "ClosedTradeSums") -> "ClosedTradeSums":
        return ClosedTradeSums(
            self.wins + other.wins, self.losses + other.losses, self.flats + other.flats, self.pnl + other.pnl
        )


@dataclass(frozen=True)
class PortfolioFigures:
    """The curve of an environment as stored."""

    curve: EquityCurve
    updated_at: datetime


@dataclass(frozen=True)
class EngineFigures:
    """What is known of one engine."""

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
        as_of: When it was read.
        sequence: The last event in it.
        accounts: The books of each account.
        portfolios: The books of each environment.
        counters: What only grows.
        windows: The last five minutes by (environment, account).
        slowest_calls: The slowest call of the last minute by (environment, endpoint); None when there was none.
        engines: Who has been heard of.
    """

    as_of: datetime
    sequence: int = 0
    accounts: Sequence[AccountFigures] = ()
    portfolios: Mapping[str, PortfolioFigures] = field(default_factory=dict)
    counters: Mapping[CounterKey, Decimal] = field(default_factory=dict)
    windows: Mapping[tuple[str, str], SecondCount] = field(default_factory=dict)
    slowest_calls: Mapping[tuple[str, str], Decimal | None] = field(default_factory=dict)
    engines: Sequence[EngineFigures] = ()

    @property
    def environments(self) -> list[str]:
        """Return the environments anything is known of, sorted."""
        return sorted({engine.environment for engine in self.engines} | {each.environment for each in self.accounts})

    def last_occurred_at(self, environment: str) -> datetime:
        """Return when the newest event of an environment occurred."""
        return max(
            (engine.last_occurred_at for engine in self.engines if engine.environment == environment),
            default=self.as_of,
        )


@dataclass(frozen=True)
class FigureScope:
    """The figures of one account, or of all accounts of an environment; what is None is unknown."""

    level: EquityState | None = None
    session_start: Decimal | None = None
    open_positions: int | None = None
    risk_at_stop: Decimal | None = None
    cash: Decimal | None = None
    closed: ClosedTradeSums = ClosedTradeSums()

    @property
    def profit(self) -> Decimal | None:
        """Return the profit since the beginning: of equity, else of the closed trades."""
        if self.level is not None:
            return self.level.equity - self.level.base
        return self.closed.pnl if self.closed.trades else None

    @property
    def session_profit(self) -> Decimal | None:
        """Return the profit of the session."""
        if self.level is None or self.session_start is None:
            return None
        return self.level.equity - self.session_start

    @property
    def drawdown(self) -> Figure:
        """Return how far equity stands below its peak."""
        return NO_EQUITY if self.level is None else live.drawdown_ratio(self.level.equity, self.level.peak)

    @property
    def session_loss(self) -> Figure:
        """Return the loss of the session over the equity it began with."""
        profit = self.session_profit
        if profit is None or self.session_start is None:
            return NO_EQUITY
        return live.session_loss_ratio(profit, self.session_start)

    @property
    def risk(self) -> Figure:
        """Return what all stops together would cost, over equity."""
        if self.level is None:
            return NO_EQUITY
        return NOT_TOLD if self.risk_at_stop is None else live.open_risk_ratio(self.risk_at_stop, self.level.equity)

    @property
    def win_rate(self) -> Figure:
        """Return the share of closed trades that won."""
        return live.win_rate_ratio(self.closed.wins, self.closed.trades)


def account_scope(account: AccountFigures, now: datetime) -> FigureScope:
    """Return the figures of one account."""
    level = account.account.curve.now if account.account.curve.begun else None
    newest = account.account.newest
    if newest is None:
        return FigureScope(level, closed=account.closed)
    return FigureScope(
        level=level,
        session_start=_session_start(level, account.environment, now),
        open_positions=newest.open_positions,
        risk_at_stop=newest.risk_at_stop,
        cash=newest.cash,
        closed=account.closed,
    )


def portfolio_scope(figures: Figures, environment: str) -> FigureScope:
    """Return the figures of all accounts of an environment together."""
    accounts = [each for each in figures.accounts if each.environment == environment]
    portfolio = figures.portfolios.get(environment)
    newest = [each.account.newest for each in accounts if each.account.newest is not None]
    level = None if portfolio is None else settled(portfolio, figures.as_of)
    return FigureScope(
        level=level,
        session_start=_session_start(level, environment, figures.as_of),
        open_positions=total_count([point.open_positions for point in newest]),
        risk_at_stop=total([point.risk_at_stop for point in newest]),
        cash=total([point.cash for point in newest]),
        closed=sum((each.closed for each in accounts), ClosedTradeSums()),
    )


def combined(scopes: Sequence[FigureScope]) -> FigureScope:
    """Return several portfolios as one: money is summed, the deepest fall of any is the deepest fall.

    Environments have clocks of their own, so no common path of their sum exists.
    """
    levels = [scope.level for scope in scopes if scope.level is not None]
    begun = [scope for scope in scopes if scope.level is not None]
    level = None
    if levels:
        level = EquityState(
            equity=sum((each.equity for each in levels), Decimal(0)),
            peak=sum((each.peak for each in levels), Decimal(0)),
            max_drawdown_ratio=max(each.max_drawdown_ratio for each in levels),
            base=sum((each.base for each in levels), Decimal(0)),
            members=sum(each.members for each in levels),
        )
    return FigureScope(
        level=level,
        session_start=total([scope.session_start for scope in begun]),
        open_positions=total_count([scope.open_positions for scope in begun]),
        risk_at_stop=total([scope.risk_at_stop for scope in begun]),
        cash=total([scope.cash for scope in begun]),
        closed=sum((scope.closed for scope in scopes), ClosedTradeSums()),
    )


def settled(portfolio: PortfolioFigures, now: datetime) -> EquityState | None:
    """Return the level that counts: without the newest instant while some accounts may still report it.

    A peak or a drawdown of half an instant would depend on how batches were cut.
    """
    curve = portfolio.curve
    if not curve.begun:
        return None
    if curve.complete or curve.before.session_day is None or now - portfolio.updated_at >= SETTLE:
        return curve.now
    return curve.before


def window(figures: Figures, environment: str, account: str | None = None) -> SecondCount:
    """Return the counts of the last five minutes of an account, or of all accounts of an environment."""
    total_counts = SecondCount()
    for (where, who), counts in figures.windows.items():
        if where == environment and account in (None, who):
            total_counts.trades += counts.trades
            total_counts.api_calls += counts.api_calls
            total_counts.failed_calls += counts.failed_calls
            total_counts.errors += counts.errors
    return total_counts


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
            where = (key.environment, key.first)
            result[where] = result.get(where, ClosedTradeSums()) + part[key.second]
    return result


def total(values: Sequence[Decimal | None]) -> Decimal | None:
    """Return the sum, or None when nothing is there or any part is unknown."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(values) else None


def total_count(values: Sequence[int | None]) -> int | None:
    """Return the sum of counts, or None when nothing is there or any part is unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _session_start(level: EquityState | None, environment: str, now: datetime) -> Decimal | None:
    if level is None:
        return None
    # On the wall clock a new day has begun although nothing was reported in it yet; replay has no other clock.
    today = now.astimezone(UTC).date()
    is_over = environment != Environment.REPLAY and level.session_day is not None and today > level.session_day
    return level.equity if is_over else level.session_start_equity
