"""Turns figures into snapshots and performance: values, and a reason where there is no value."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.snapshots import Performance, Snapshot, SnapshotItem
from seatrial_core.figures import live
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_metrics.activity import window
from seatrial_metrics.counters import Family, SecondCount
from seatrial_metrics.figures import AccountFigures, ClosedTradeSums, Figures, closed_by_strategy
from seatrial_metrics.scopes import NOT_REPORTED, FigureScope, account_scope, combined, portfolio_scope

NO_CALL = undefined("no call in the last 60 seconds")
NO_PROFIT = undefined("no equity event, no opening balance and no closed trade yet, or not in one currency")


def snapshot(figures: Figures, fx_max_age: timedelta, environment: Environment | None = None) -> Snapshot:
    """Return every scope of an environment, or of all of them."""
    names = [name for name in figures.environments if environment is None or name == environment.value]
    items = [item for name in names for item in _items(figures, name, fx_max_age)]
    return Snapshot(as_of=figures.as_of, sequence=figures.sequence, items=items)


def performance(figures: Figures, fx_max_age: timedelta, environments: Sequence[Environment]) -> Performance:
    """Return portfolio and accounts of environments.

    Args:
        figures: The state of the ledger.
        fx_max_age: The age of an exchange rate above which no figure uses it.
        environments: Each has its own clock and curve, so their peaks are summed and the largest drawdown is shown.
    """
    names = [environment.value for environment in environments]
    scope = combined([portfolio_scope(figures, name, fx_max_age) for name in names])
    values = describe(scope)
    restating = [
        portfolio.restating_since
        for name, portfolio in figures.portfolios.items()
        if name in names and portfolio.restating_since is not None
    ]
    return Performance(
        environment=list(environments),
        as_of=figures.as_of,
        sequence=figures.sequence,
        currency=scope.currency,
        unconverted={currency: float(equity) for currency, equity in scope.unconverted.items()},
        restating_since=min(restating, default=None),
        metrics=_values(values),
        undefined=_reasons(values),
        accounts=[_account(account, figures) for account in figures.accounts if account.environment in names],
    )


def describe(scope: FigureScope) -> dict[str, Figure]:
    """Return the figures of a scope by name, each with a reason when it is unknown."""
    state, missing = scope.state, scope.missing
    return {
        "equity": _figure(None if state is None else state.equity, missing),
        "high_water_mark": _figure(None if state is None else state.peak, missing),
        "drawdown_ratio": scope.drawdown,
        "max_drawdown_ratio": _figure(None if state is None else state.max_drawdown_ratio, missing),
        "capital": _figure(None if state is None else state.base, missing),
        "growth_ratio": missing if state is None else state.growth,
        "derived_accounts": known(scope.derived_accounts),
        "pnl": _figure(scope.profit, NO_PROFIT),
        "realised_pnl": _figure(scope.realised, NO_PROFIT),
        "session_pnl": _figure(scope.session_profit, missing),
        "session_loss_ratio": scope.session_loss,
        "rolling_loss_ratio": scope.rolling_loss,
        "cash": _figure(scope.cash, NOT_REPORTED),
        "open_positions": _figure(scope.open_positions, NOT_REPORTED),
        "risk_at_stop": _figure(scope.risk_at_stop, NOT_REPORTED),
        "risk_ratio": scope.risk,
        **_trades(scope.closed),
    }


def _account(account: AccountFigures, figures: Figures) -> dict[str, Any]:  # Any: fields of many types
    opening_balance = account.account.opening_balance
    values = describe(account_scope(account, figures))
    return {
        "environment": account.environment,
        "account": account.account.name,
        "currency": account.account.currency,
        "session_zone": account.account.zone,
        "equity_source": _source(account),
        "opening_balance": None if opening_balance is None else float(opening_balance),
        "late_events": account.late_events,
        "last_occurred_at": account.last_occurred_at,
        "metrics": _values(values),
        "undefined": _reasons(values),
    }


def _source(account: AccountFigures) -> str | None:
    if not account.account.begun:
        return None
    return "closed_trades" if account.account.derived else "equity"


def _items(figures: Figures, environment: str, fx_max_age: timedelta) -> list[SnapshotItem]:
    last = figures.last_occurred_at(environment)

    def item(values: Mapping[str, Figure], occurred_at: datetime | None = last, **labels: str) -> SnapshotItem:
        return SnapshotItem(
            environment=Environment(environment),
            occurred_at=occurred_at or last,
            values=_values(values),
            undefined=_reasons(values),
            **labels,
        )

    portfolio = describe(portfolio_scope(figures, environment, fx_max_age))
    items = [item({**portfolio, **_errors(window(figures.windows, environment))})]
    for account in figures.accounts:
        if account.environment == environment:
            name = account.account.name
            values = describe(account_scope(account, figures))
            errors = _errors(window(figures.windows, environment, name))
            items.append(item({**values, **errors}, account.last_occurred_at, account=name))
    for (closed_in, strategy), closed in sorted(closed_by_strategy(figures, Family.CLOSED_TRADES).items()):
        if closed_in == environment and strategy:
            items.append(item(_trades(closed), strategy=strategy))
    for (called_in, endpoint), seconds in sorted(figures.slowest_calls.items()):
        if called_in == environment:
            items.append(item({"slowest_api_call_seconds": _figure(seconds, NO_CALL)}, endpoint=endpoint))
    return items


def _trades(closed: ClosedTradeSums) -> dict[str, Figure]:
    return {
        "closed_trades": known(closed.trades),
        "wins": known(closed.wins),
        "losses": known(closed.losses),
        "flats": known(closed.flats),
        "win_rate_ratio": live.win_rate_ratio(closed.wins, closed.trades),
    }


def _errors(counts: SecondCount) -> dict[str, Figure]:
    return {
        "error_ratio": live.error_ratio(counts.errors, counts.failed_calls, counts.trades, counts.api_calls, minimum=1),
        "error_ratio_samples": known(counts.trades + counts.api_calls + counts.errors),
    }


def _figure(value: Decimal | int | None, otherwise: Figure) -> Figure:
    return otherwise if value is None else known(float(value))


def _values(figures: Mapping[str, Figure]) -> dict[str, float | None]:
    return {name: figure.value for name, figure in figures.items()}


def _reasons(figures: Mapping[str, Figure]) -> dict[str, str]:
    return {name: figure.reason for name, figure in figures.items() if figure.reason is not None}
