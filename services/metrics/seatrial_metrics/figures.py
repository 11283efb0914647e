"""The figures of the ledger as read in one transaction, and the formulas over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_core.figures import live
from seatrial_core.figures.equity import EquityState
from seatrial_core.figures.figure import Figure, undefined
from seatrial_metrics.counters import CounterKey, SecondCount
from seatrial_metrics.equity import AccountEquity, EquityCurve

RECENT_SYSTEM = timedelta(minutes=2)
# An instant that not every account has reported counts once no further event has arrived for this long.
INCOMPLETE_TIMEOUT = timedelta(seconds=2)
NO_EQUITY = undefined("no equity event yet")
NOT_REPORTED = undefined("the newest equity event of an account does not report it")


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

    curve: EquityCurve
    updated_at: datetime


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
        """Return the environments with an engine or an account, sorted."""
        names = {engine.environment for engine in self.engines}
        return sorted(names | {account.environment for account in self.accounts})

    def last_occurred_at(self, environment: str) -> datetime:
        """Return when the newest event of an environment occurred."""
        return max(
            (engine.last_occurred_at for engine in self.engines if engine.environment == environment),
            default=self.as_of,
        )


@dataclass(frozen=True)
class FigureScope:
    """The figures of one account, or of all accounts of an environment; None is unknown."""

    state: EquityState | None = None
    session_start: Decimal | None = None
    open_positions: int | None = None
    risk_at_stop: Decimal | None = None
    cash: Decimal | None = None
    closed: ClosedTradeSums = ClosedTradeSums()

    @property
    def profit(self) -> Decimal | None:
        """Return the profit since the beginning: from equity, else from the closed trades."""
        if self.state is not None:
            return self.state.pnl
        return self.closed.pnl if self.closed.trades else None

    @property
    def session_profit(self) -> Decimal | None:
        """Return the profit of the session."""
        if self.state is None or self.session_start is None:
            return None
        return self.state.equity - self.session_start

    @property
    def drawdown(self) -> Figure:
        """Return the drawdown from the peak as a ratio."""
        return NO_EQUITY if self.state is None else self.state.drawdown

    @property
    def session_loss(self) -> Figure:
        """Return the loss of the session over its starting equity."""
        profit = self.session_profit
        if profit is None or self.session_start is None:
            return NO_EQUITY
        return live.session_loss_ratio(profit, self.session_start)

    @property
    def risk(self) -> Figure:
        """Return the loss if every stop were hit now, over equity."""
        if self.state is None:
            return NO_EQUITY
        if self.risk_at_stop is None:
            return NOT_REPORTED
        return live.open_risk_ratio(self.risk_at_stop, self.state.equity)

    @property
    def win_rate(self) -> Figure:
        """Return the share of closed trades that won."""
        return live.win_rate_ratio(self.closed.wins, self.closed.trades)


def account_scope(account: AccountFigures, now: datetime) -> FigureScope:
    """Return the figures of one account."""
    state = account.account.curve.now if account.account.curve.begun else None
    newest = account.account.newest
    if newest is None:
        return FigureScope(state, closed=account.closed)
    return FigureScope(
        state=state,
        session_start=_session_start(state, account.environment, now),
        open_positions=newest.open_positions,
        risk_at_stop=newest.risk_at_stop,
        cash=newest.cash,
        closed=account.closed,
    )


def portfolio_scope(figures: Figures, environment: str) -> FigureScope:
    """Return the figures of all accounts of an environment together."""
    accounts = [account for account in figures.accounts if account.environment == environment]
    portfolio = figures.portfolios.get(environment)
    marks = [account.account.newest for account in accounts if account.account.newest is not None]
    state = None if portfolio is None else effective_state(portfolio, figures.as_of)
    return FigureScope(
        state=state,
        session_start=_session_start(state, environment, figures.as_of),
        open_positions=total_count([mark.open_positions for mark in marks]),
        risk_at_stop=total([mark.risk_at_stop for mark in marks]),
        cash=total([mark.cash for mark in marks]),
        closed=sum((account.closed for account in accounts), ClosedTradeSums()),
    )


def combined(scopes: Sequence[FigureScope]) -> FigureScope:
    """Return several portfolios as one: money is summed, the largest drawdown is that of any.

    Each environment has its own clock, so their sum has no common curve.
    """
    states = [scope.state for scope in scopes if scope.state is not None]
    begun = [scope for scope in scopes if scope.state is not None]
    state = None
    if states:
        state = EquityState(
            equity=sum((part.equity for part in states), Decimal(0)),
            peak=sum((part.peak for part in states), Decimal(0)),
            max_drawdown_ratio=max(part.max_drawdown_ratio for part in states),
            base=sum((part.base for part in states), Decimal(0)),
            members=sum(part.members for part in states),
        )
    return FigureScope(
        state=state,
        session_start=total([scope.session_start for scope in begun]),
        open_positions=total_count([scope.open_positions for scope in begun]),
        risk_at_stop=total([scope.risk_at_stop for scope in begun]),
        cash=total([scope.cash for scope in begun]),
        closed=sum((scope.closed for scope in scopes), ClosedTradeSums()),
    )


def effective_state(portfolio: PortfolioFigures, now: datetime) -> EquityState | None:
    """Return the portfolio's state, without the newest instant while some accounts may still report it.

    A peak or a drawdown of an incomplete instant would depend on how events were batched.
    """
    curve = portfolio.curve
    if not curve.begun:
        return None
    if curve.complete or curve.before.session_day is None or now - portfolio.updated_at >= INCOMPLETE_TIMEOUT:
        return curve.now
    return curve.before


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


def total(values: Sequence[Decimal | None]) -> Decimal | None:
    """Return the sum, or None if there are no values or any of them is None."""
    numbers = [value for value in values if value is not None]
    return sum(numbers, Decimal(0)) if numbers and len(numbers) == len(values) else None


def total_count(values: Sequence[int | None]) -> int | None:
    """Return the sum of counts, or None if there are no values or any of them is None."""
    numbers = [value for value in values if value is not None]
    return sum(numbers) if numbers and len(numbers) == len(values) else None


def _session_start(state: EquityState | None, environment: str, now: datetime) -> Decimal | None:
    if state is None:
        return None
    # A new UTC day starts a session before its first mark; replay has no clock but its events.
    today = now.astimezone(UTC).date()
    is_over = environment != Environment.REPLAY and state.session_day is not None and today > state.session_day
    return state.equity if is_over else state.session_start_equity
