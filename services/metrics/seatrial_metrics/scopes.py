"""The figures of one account, of the portfolio of an environment, and of several portfolios together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

from seatrial_core.contracts.events import Environment
from seatrial_core.decimals import EXACT
from seatrial_core.figures import live
from seatrial_core.figures.equity import EquityState
from seatrial_core.figures.figure import Figure, undefined
from seatrial_metrics.figures import AccountFigures, ClosedTradeSums, Figures, PortfolioFigures
from seatrial_metrics.portfolio import PortfolioState

# An instant that not every account has reported counts this long after its first report.
INCOMPLETE_TIMEOUT = timedelta(seconds=2)
NO_EQUITY = undefined("no equity event and no opening balance yet")
NOT_REPORTED = undefined("the newest equity event of an account does not report it")
MAX_NAMED = 5


@dataclass(frozen=True)
class FigureScope:
    """The figures of one account, or of all accounts of an environment; None is unknown.

    Args:
        state: The equity curve in `currency`, in the session of today.
        currency: The currency of every amount.
        missing: Why there is no equity.
        profit: Profit since the beginning: from equity, else from closed trades.
        realised: Profit of closed trades.
        open_positions: How many positions are open.
        risk_at_stop: What is lost if every stop is hit.
        cash: Cash.
        closed: Counts of closed trades.
        derived_accounts: How many accounts have no mark, so that their equity is opening balance plus results.
        unconverted: Equity by currency that is in no figure, because no rate converts it.
        growth_before: Growth 24 hours ago, 1 for a younger curve.
    """

    state: EquityState | None = None
    currency: str = "USD"
    missing: Figure = NO_EQUITY
    profit: Decimal | None = None
    realised: Decimal | None = None
    open_positions: int | None = None
    risk_at_stop: Decimal | None = None
    cash: Decimal | None = None
    closed: ClosedTradeSums = field(default_factory=ClosedTradeSums)
    derived_accounts: int = 0
    unconverted: Mapping[str, Decimal] = field(default_factory=dict)
    growth_before: Decimal = Decimal(1)

    @property
    def session_profit(self) -> Decimal | None:
        """Return the profit of the session."""
        return None if self.state is None else self.state.session_pnl

    @property
    def drawdown(self) -> Figure:
        """Return the drawdown from the peak as a ratio."""
        return self.missing if self.state is None else self.state.drawdown

    @property
    def session_loss(self) -> Figure:
        """Return the loss of the session over its starting equity."""
        return self.missing if self.state is None else self.state.session_loss

    @property
    def rolling_loss(self) -> Figure:
        """Return the loss of the last 24 hours over the equity then, without flows; 0 without a loss."""
        growth = self.missing if self.state is None else self.state.growth
        return growth if growth.value is None else live.loss_ratio(growth.value, self.growth_before)

    @property
    def risk(self) -> Figure:
        """Return the loss if every stop were hit now, over equity."""
        if self.state is None:
            return self.missing
        if self.risk_at_stop is None:
            return NOT_REPORTED
        return live.open_risk_ratio(self.risk_at_stop, self.state.equity)

    @property
    def win_rate(self) -> Figure:
        """Return the share of closed trades that won."""
        return live.win_rate_ratio(self.closed.wins, self.closed.trades)


def account_scope(account: AccountFigures, figures: Figures) -> FigureScope:
    """Return the figures of one account of the ledger's state."""
    book = account.account
    state = _today(book.now, account.environment, book.zone, figures.as_of) if book.begun else None
    newest = book.newest
    return FigureScope(
        state=state,
        currency=book.currency,
        profit=_profit(account),
        realised=account.closed.pnl,
        open_positions=None if newest is None else newest.open_positions,
        risk_at_stop=None if newest is None else newest.risk_at_stop,
        cash=None if newest is None else newest.cash,
        closed=account.closed,
        derived_accounts=int(book.derived),
        growth_before=figures.growth_before.get((account.environment, book.name), Decimal(1)),
    )


def portfolio_scope(figures: Figures, environment: str, fx_max_age: timedelta) -> FigureScope:
    """Return the figures of all accounts of an environment together.

    Args:
        figures: The state of the ledger.
        environment: The environment.
        fx_max_age: The age of an exchange rate above which no figure uses it.
    """
    accounts = [
        account
        for account in figures.accounts
        if account.environment == environment and (account.account.begun or account.filled_trades)
    ]
    portfolio = figures.portfolios.get(environment)
    if portfolio is None:
        return FigureScope()
    present = effective_state(portfolio, figures.as_of)
    now = figures.as_of if environment != Environment.REPLAY else figures.last_occurred_at(environment)
    rates = {currency: rate.value for currency, rate in present.rates.items() if now - rate.at <= fx_max_age} | {
        portfolio.curve.currency: Decimal(1)
    }
    missing = _missing(accounts, present, rates, portfolio.curve.currency)
    state = None
    if missing is None and present.converted.session_day is not None:
        state = _today(present.converted, environment, portfolio.curve.zone, figures.as_of)
    marks = [(account.account.newest, account.account.currency) for account in accounts if account.account.newest]
    return FigureScope(
        state=state,
        currency=portfolio.curve.currency,
        missing=missing or NO_EQUITY,
        profit=_converted([(_profit(account), account.account.currency) for account in accounts], rates)
        if state is None
        else state.pnl,
        realised=_converted([(account.closed.pnl, account.account.currency) for account in accounts], rates),
        open_positions=total_count([mark.open_positions for mark, _ in marks]),
        risk_at_stop=_converted([(mark.risk_at_stop, currency) for mark, currency in marks], rates),
        cash=_converted([(mark.cash, currency) for mark, currency in marks], rates),
        closed=sum((account.closed for account in accounts), ClosedTradeSums()),
        derived_accounts=sum(account.account.derived for account in accounts),
        unconverted={
            currency: equity for currency, equity in present.foreign.items() if equity and currency not in rates
        },
        growth_before=figures.growth_before.get((environment, ""), Decimal(1)),
    )


def combined(scopes: Sequence[FigureScope]) -> FigureScope:
    """Return several portfolios as one: money is summed, the largest drawdown is that of any.

    Each environment has its own clock, so their sum has no common curve; nothing is summed over two currencies.
    """
    begun = [scope for scope in scopes if scope.state is not None or scope.profit is not None]
    if len(begun) <= 1:
        return begun[0] if begun else next(iter(scopes), FigureScope())
    currencies = sorted({scope.currency for scope in begun})
    closed = sum((scope.closed for scope in begun), ClosedTradeSums())
    if len(currencies) > 1:
        return FigureScope(missing=undefined(f"the environments are in {_listed(currencies)}"), closed=closed)
    incomplete = next((scope.missing for scope in begun if scope.state is None), None)
    return FigureScope(
        state=None if incomplete is not None else _sum_states([scope.state for scope in begun if scope.state]),
        currency=currencies[0],
        missing=incomplete or NO_EQUITY,
        profit=total([scope.profit for scope in begun]),
        realised=total([scope.realised for scope in begun]),
        open_positions=total_count([scope.open_positions for scope in begun]),
        risk_at_stop=total([scope.risk_at_stop for scope in begun]),
        cash=total([scope.cash for scope in begun]),
        closed=closed,
        derived_accounts=sum(scope.derived_accounts for scope in begun),
    )


def effective_state(portfolio: PortfolioFigures, now: datetime) -> PortfolioState:
    """Return the portfolio's state, without the newest instant while some accounts may still report it.

    A peak or a drawdown of an incomplete instant would depend on how events were batched. An instant counts at the
    latest two seconds after its first report, whatever arrives meanwhile.
    """
    curve = portfolio.curve
    since = None if curve.pending is None else curve.pending.since
    is_first = curve.before.converted.session_day is None
    if curve.complete or is_first or since is None or now - since >= INCOMPLETE_TIMEOUT:
        return curve.now
    return curve.before


def headline(environments: Iterable[str], configured: str) -> str | None:
    """Return the environment whose figures the guide's metrics show, or None if that is not decided.

    Args:
        environments: The environments with data.
        configured: The configured one; empty for live, else for the only one present.
    """
    if configured:
        return configured
    present = {name for name in environments if name != Environment.STRESS}
    if Environment.LIVE in present or not present:
        return Environment.LIVE.value
    return next(iter(present)) if len(present) == 1 else None


def total(values: Sequence[Decimal | None]) -> Decimal | None:
    """Return the sum, or None if there are no values or any of them is None."""
    numbers = [value for value in values if value is not None]
    with localcontext(EXACT):
        return sum(numbers, Decimal(0)) if numbers and len(numbers) == len(values) else None


def total_count(values: Sequence[int | None]) -> int | None:
    """Return the sum of counts, or None if there are no values or any of them is None."""
    numbers = [value for value in values if value is not None]
    return sum(numbers) if numbers and len(numbers) == len(values) else None


def _converted(amounts: Iterable[tuple[Decimal | None, str]], rates: Mapping[str, Decimal]) -> Decimal | None:
    with localcontext(EXACT):
        return total(
            [None if value is None or currency not in rates else value * rates[currency] for value, currency in amounts]
        )


def _profit(account: AccountFigures) -> Decimal | None:
    if account.account.begun:
        return account.account.now.pnl
    return account.closed.pnl if account.closed.trades else None


def _missing(
    accounts: Sequence[AccountFigures], state: PortfolioState, rates: Mapping[str, Decimal], currency: str
) -> Figure | None:
    unknown = [account.account.name for account in accounts if not account.account.begun]
    if unknown:
        return undefined(
            f"the equity of {_listed(unknown)} is unknown: send its opening balance (an `account` event) or `equity`"
        )
    outdated = [name for name, equity in state.foreign.items() if equity and name not in rates]
    if outdated:
        return undefined(f"no current rate of {_listed(outdated)} in {currency}: send `fx_rate` events")
    return None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(sorted(names)[:MAX_NAMED])
    return shown if len(names) <= MAX_NAMED else f"{shown} and {len(names) - MAX_NAMED} more"


def _today(state: EquityState, environment: str, zone: str, now: datetime) -> EquityState:
    # A new day starts a session before its first entry; replay has no clock but its events.
    if environment == Environment.REPLAY:
        return state
    today: date = now.astimezone(ZoneInfo(zone)).date()
    return state.at_day(today)


def _sum_states(states: Sequence[EquityState]) -> EquityState:
    first = states[0]
    result = EquityState(
        max_drawdown_ratio=max(state.max_drawdown_ratio for state in states), session_day=first.session_day
    )
    with localcontext(EXACT):
        for state in states:
            result = replace(
                result,
                equity=result.equity + state.equity,
                peak=result.peak + state.peak,
                base=result.base + state.base,
                base_reference=result.base_reference + state.base_reference,
                session_start_equity=result.session_start_equity + state.session_start_equity,
                session_reference=result.session_reference + state.session_reference,
                members=result.members + state.members,
            )
    return result
