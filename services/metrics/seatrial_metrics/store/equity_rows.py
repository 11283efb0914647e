"""Maps equity books to rows, and rows to equity books."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from seatrial_core.figures.equity import EquityChange, EquityState
from seatrial_metrics.equity import AccountEquity, EquityEntry, EquityMark
from seatrial_metrics.portfolio import PortfolioCurve, PortfolioInstant, PortfolioState, Rate

Values = dict[str, Any]  # Any: one row, columns of many types

_STATE_FIELDS = tuple(field.name for field in fields(EquityState))
_MARK_FIELDS = ("cash", "open_positions", "risk_at_stop")


def read_account(row: Row[Any]) -> AccountEquity:
    """Return the account of a row."""
    newest = None
    if row.marked_at is not None:
        newest = EquityMark(row.marked_equity, row.marked_at, row.cash, row.open_positions, row.risk_at_stop)
    pending = None
    if row.pending is not None:
        pending = EquityEntry(
            account=row.account,
            at=row.pending_at,
            mark=newest if row.pending["marked"] else None,
            flow=Decimal(row.pending["flow"]),
            result=Decimal(row.pending["result"]),
        )
    return AccountEquity(
        name=row.account,
        currency=row.currency,
        zone=row.session_zone,
        opening_balance=row.opening_balance,
        opened_at=row.opened_at,
        first_entry_at=row.first_entry_at,
        before=_state_from_text(row.before),
        pending=pending,
        now=read_state(row),
        newest=newest,
    )


def account_values(account: AccountEquity, now: datetime) -> Values:
    """Return the columns of an account."""
    entry, mark = account.pending, account.newest
    pending = None
    if entry is not None:
        pending = {"marked": entry.mark is not None, "flow": str(entry.flow), "result": str(entry.result)}
    return {
        "currency": account.currency,
        "session_zone": account.zone,
        "opening_balance": account.opening_balance,
        "opened_at": account.opened_at,
        "first_entry_at": account.first_entry_at,
        "marked_at": None if mark is None else mark.at,
        **mark_values(mark),
        "before": _state_to_text(account.before),
        "pending": pending,
        "pending_at": None if entry is None else entry.at,
        "updated_at": now,
        **state_values(account.now),
    }


def mark_values(mark: EquityMark | None) -> Values:
    """Return the columns of a mark."""
    return {
        "marked_equity": None if mark is None else mark.equity,
        **{name: None if mark is None else getattr(mark, name) for name in _MARK_FIELDS},
    }


def read_entry(row: Row[Any]) -> EquityEntry:
    """Return the entry of a point."""
    mark = None
    if row.marked_equity is not None:
        mark = EquityMark(row.marked_equity, row.occurred_at, row.cash, row.open_positions, row.risk_at_stop)
    return EquityEntry(row.account, row.occurred_at, mark, row.flow, row.result)


def entry_values(entry: EquityEntry) -> Values:
    """Return the columns of an entry."""
    return {**mark_values(entry.mark), "flow": entry.flow, "result": entry.result}


def read_state(row: Row[Any]) -> EquityState:
    """Return the state of a curve."""
    return EquityState(**{name: getattr(row, name) for name in _STATE_FIELDS})


def state_values(state: EquityState) -> Values:
    """Return the columns of a state."""
    return dict(vars(state))


def read_portfolio(row: Row[Any]) -> PortfolioCurve:
    """Return the portfolio of a row."""
    pending = None
    if row.pending is not None:
        pending = PortfolioInstant(
            at=row.pending_at,
            changes={
                currency: EquityChange(
                    at=row.pending_at,
                    flow=Decimal(change["flow"]),
                    profit=Decimal(change["profit"]),
                    joining=change["joining"],
                    reported=change["reported"],
                )
                for currency, change in row.pending["changes"].items()
            },
            rates=_rates_from_text(row.pending["rates"]),
            since=row.pending_since,
        )
    before = row.before
    return PortfolioCurve(
        currency=row.currency,
        zone=row.session_zone,
        before=PortfolioState(_state_from_text(before), *_foreign_from_text(before.get("other_currencies"))),
        pending=pending,
    )


def portfolio_values(curve: PortfolioCurve, now: datetime) -> Values:
    """Return the columns of a portfolio."""
    instant = curve.pending
    pending = None
    if instant is not None:
        changes = {
            currency: {
                "flow": str(change.flow),
                "profit": str(change.profit),
                "joining": change.joining,
                "reported": change.reported,
            }
            for currency, change in instant.changes.items()
        }
        pending = {"changes": changes, "rates": _rates_to_text(instant.rates)}
    return {
        "session_zone": curve.zone,
        "before": {**_state_to_text(curve.before.converted), "other_currencies": _foreign_to_text(curve.before)},
        "pending": pending,
        "pending_at": curve.pending_at,
        "pending_since": None if instant is None else instant.since,
        "updated_at": now,
        **portfolio_state_values(curve.now, curve.currency),
    }


def read_portfolio_state(row: Row[Any]) -> PortfolioState:
    """Return the state of a portfolio at a point."""
    return PortfolioState(read_state(row), *_foreign_from_text(row.other_currencies))


def portfolio_state_values(state: PortfolioState, currency: str) -> Values:
    """Return the columns of a portfolio's state."""
    return {"currency": currency, "other_currencies": _foreign_to_text(state), **state_values(state.converted)}


def _foreign_to_text(state: PortfolioState) -> Values | None:
    if not state.foreign and not state.rates:
        return None
    equity = {currency: str(value) for currency, value in state.foreign.items()}
    return {"equity": equity, "rates": _rates_to_text(state.rates)}


def _foreign_from_text(stored: Values | None) -> tuple[Mapping[str, Decimal], Mapping[str, Rate]]:
    if stored is None:
        return {}, {}
    equity = {currency: Decimal(value) for currency, value in stored["equity"].items()}
    return equity, _rates_from_text(stored["rates"])


def _rates_to_text(rates: Mapping[str, Rate]) -> Values:
    return {
        currency: {"at": rate.at.isoformat(), "value": str(rate.value), "source": rate.source}
        for currency, rate in rates.items()
    }


def _rates_from_text(stored: Values) -> Mapping[str, Rate]:
    return {
        currency: Rate(currency, datetime.fromisoformat(rate["at"]), Decimal(rate["value"]), rate["source"])
        for currency, rate in stored.items()
    }


def _state_to_text(state: EquityState) -> Values:
    return {
        name: value if isinstance(value, int) or value is None else str(value) for name, value in vars(state).items()
    }


def _state_from_text(stored: Mapping[str, Any]) -> EquityState:
    day, withdrawn = stored["session_day"], stored["withdrawn_equity"]
    money = {
        name: Decimal(stored[name])
        for name in (
            "equity",
            "peak",
            "max_drawdown_ratio",
            "base",
            "base_reference",
            "session_start_equity",
            "session_reference",
        )
    }
    return EquityState(
        **money,
        session_day=None if day is None else date.fromisoformat(day),
        withdrawn_equity=None if withdrawn is None else Decimal(withdrawn),
        members=stored["members"],
    )
