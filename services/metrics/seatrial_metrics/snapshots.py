"""Turns figures into snapshots and performance: values, and a reason where there is no value."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.snapshots import Engines, EngineStatus, Performance, Snapshot, SnapshotItem
from seatrial_core.figures import live
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_metrics.activity import window
from seatrial_metrics.counters import Family, SecondCount
from seatrial_metrics.figures import (
    AccountFigures,
    ClosedTradeSums,
    EngineFigures,
    Figures,
    closed_by_strategy,
    engines_in_service,
    profit_by_strategy,
)
from seatrial_metrics.scopes import NOT_REPORTED, FigureScope, account_scope, combined, portfolio_scope

NO_CALL = undefined("no call in the last 60 seconds")
_NOT_IN_NAMES = re.compile("[^a-z0-9]")
NO_HEARTBEAT = undefined("the engine has sent no heartbeat yet")
SEVERAL_CURRENCIES = undefined("the accounts of the strategy have several currencies: see `realised_pnl_` and its code")
NOT_BY_STRATEGY = undefined("an account has closed trades from before profit was stored by strategy")
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
    profits = profit_by_strategy(figures, Family.STRATEGY_PNL)
    for (closed_in, strategy), closed in sorted(closed_by_strategy(figures, Family.CLOSED_TRADES).items()):
        if closed_in == environment and strategy:
            profit = _strategy_profit(profits.get((environment, strategy)))
            items.append(item({**_trades(closed), **profit}, strategy=strategy))
    for (called_in, endpoint), seconds in sorted(figures.slowest_calls.items()):
        if called_in == environment:
            items.append(item({"slowest_api_call_seconds": _figure(seconds, NO_CALL)}, endpoint=endpoint))
    if environment != Environment.REPLAY:  # its engines are never late: they run on the time of their events
        items += [
            item(_ages(engine, figures.as_of), engine.last_occurred_at, engine=engine.engine)
            for engine in sorted(engines_in_service(figures), key=lambda engine: engine.engine)
            if engine.environment == environment
        ]
    return items


def engines(figures: Figures) -> Engines:
    """Return every engine, the one that was active last first."""
    in_service = {(engine.environment, engine.engine) for engine in engines_in_service(figures)}
    items = []
    for engine in sorted(figures.engines, key=lambda engine: engine.last_occurred_at, reverse=True):
        ages = _ages(engine, figures.as_of)
        items.append(
            EngineStatus(
                environment=Environment(engine.environment),
                engine=engine.engine,
                last_occurred_at=engine.last_occurred_at,
                last_event_age_seconds=ages["last_event_age_seconds"].or_zero(),
                heartbeat_at=engine.heartbeat_at,
                heartbeat_age_seconds=ages["heartbeat_age_seconds"].value,
                in_service=(engine.environment, engine.engine) in in_service,
            )
        )
    return Engines(as_of=figures.as_of, items=items)


def _ages(engine: EngineFigures, now: datetime) -> dict[str, Figure]:
    def age(at: datetime) -> Figure:
        return known(max(0.0, (now - at).total_seconds()))

    return {
        "last_event_age_seconds": age(engine.last_occurred_at),
        "heartbeat_age_seconds": NO_HEARTBEAT if engine.heartbeat_at is None else age(engine.heartbeat_at),
    }


def _strategy_profit(by_currency: Mapping[str, Decimal] | None) -> dict[str, Figure]:
    if by_currency is None:
        return {"realised_pnl": NOT_BY_STRATEGY}
    single = next(iter(by_currency.values())) if len(by_currency) == 1 else None
    figures = {"realised_pnl": _figure(single, SEVERAL_CURRENCIES)}
    for currency, profit in sorted(by_currency.items()):
        # A rule names a figure in lower case.
        figures[f"realised_pnl_{_NOT_IN_NAMES.sub('_', currency.lower())}"] = known(float(profit))
    return figures


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
