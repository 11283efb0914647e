"""Turns figures into what alerts, the console and people read: values, and reasons where there is none."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.snapshots import Performance, Snapshot, SnapshotItem
from seatrial_core.figures import live
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_metrics.counters import Family, SecondCount
from seatrial_metrics.figures import (
    NO_EQUITY,
    NOT_TOLD,
    ClosedTradeSums,
    Figures,
    FigureScope,
    account_scope,
    closed_by_strategy,
    combined,
    portfolio_scope,
    window,
)

NO_CALL = undefined("no call in the last 60 seconds")


def snapshot(figures: Figures, environment: Environment | None = None) -> Snapshot:
    """Return every scope of an environment, or of all of them."""
    wanted = figures.environments if environment is None else [environment.value]
    items = [item for each in wanted if each in figures.environments for item in _items(figures, each)]
    return Snapshot(as_of=figures.as_of, sequence=figures.sequence, items=items)


def performance(figures: Figures, environments: Sequence[Environment]) -> Performance:
    """Return portfolio and accounts of environments; sums over them are what the page shows.

    Args:
        figures: The state of the ledger.
        environments: Which to look at; each has a clock and a path of its own, so peaks are summed, falls compared.
    """
    names = [each.value for each in environments]
    scope = combined([portfolio_scope(figures, each) for each in names])
    values = describe(scope)
    shown = [each for each in figures.accounts if each.environment in names]
    accounts = []
    for each in shown:
        figures_of = describe(account_scope(each, figures.as_of))
        accounts.append(
            {
                "environment": each.environment,
                "account": each.account.name,
                "currency": each.account.currency,
                "opening_balance": None
                if each.account.opening_balance is None
                else float(each.account.opening_balance),
                "late_events": each.late_events,
                "last_occurred_at": each.last_occurred_at,
                "metrics": _values(figures_of),
                "undefined": _reasons(figures_of),
            }
        )
    return Performance(
        environment=list(environments),
        as_of=figures.as_of,
        sequence=figures.sequence,
        metrics=_values(values),
        undefined=_reasons(values),
        accounts=accounts,
    )


def describe(scope: FigureScope) -> dict[str, Figure]:
    """Return the figures of a scope by name, each with a reason when it is unknown."""
    level = scope.level
    return {
        "equity": _figure(None if level is None else level.equity, NO_EQUITY),
        "high_water_mark": _figure(None if level is None else level.peak, NO_EQUITY),
        "drawdown_ratio": scope.drawdown,
        "max_drawdown_ratio": _figure(None if level is None else level.max_drawdown_ratio, NO_EQUITY),
        "pnl": _figure(scope.profit, undefined("no equity event and no closed trade yet")),
        "realised_pnl": _figure(scope.closed.pnl, NO_EQUITY),
        "session_pnl": _figure(scope.session_profit, NO_EQUITY),
        "session_loss_ratio": scope.session_loss,
        "cash": _figure(scope.cash, NOT_TOLD),
        "open_positions": _figure(scope.open_positions, NOT_TOLD),
        "risk_at_stop": _figure(scope.risk_at_stop, NOT_TOLD),
        "risk_ratio": scope.risk,
        **_trades(scope.closed),
    }


def _items(figures: Figures, environment: str) -> list[SnapshotItem]:
    where: dict[str, Any] = {"environment": Environment(environment)}  # Any: keyword arguments of many types
    last = figures.last_occurred_at(environment)
    whole = {**describe(portfolio_scope(figures, environment)), **_errors(window(figures, environment))}
    items = [_item({**where, "occurred_at": last}, whole)]
    for each in figures.accounts:
        if each.environment == environment:
            name = each.account.name
            values = {
                **describe(account_scope(each, figures.as_of)),
                **_errors(window(figures, environment, name)),
            }
            items.append(_item({**where, "account": name, "occurred_at": each.last_occurred_at or last}, values))
    for (found, strategy), closed in sorted(closed_by_strategy(figures, Family.CLOSED_TRADES).items()):
        if found == environment and strategy:
            items.append(_item({**where, "strategy": strategy, "occurred_at": last}, _trades(closed)))
    for (found, endpoint), seconds in sorted(figures.slowest_calls.items()):
        if found == environment:
            call = {"slowest_api_call_seconds": _figure(seconds, NO_CALL)}
            items.append(_item({**where, "endpoint": endpoint, "occurred_at": last}, call))
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


def _item(where: dict[str, Any], values: Mapping[str, Figure]) -> SnapshotItem:
    return SnapshotItem(**where, values=_values(values), undefined=_reasons(values))


def _figure(value: Decimal | int | None, otherwise: Figure) -> Figure:
    return otherwise if value is None else known(float(value))


def _values(figures: Mapping[str, Figure]) -> dict[str, float | None]:
    return {name: figure.value for name, figure in figures.items()}


def _reasons(figures: Mapping[str, Figure]) -> dict[str, str]:
    return {name: figure.reason for name, figure in figures.items() if figure.reason is not None}
