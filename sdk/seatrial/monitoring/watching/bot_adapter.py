"""Reads the account from the object that the user passes to the monitor, with the methods that it has."""

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from seatrial_core.timestamps import EPOCH

QUANTITY = ("quantity", "size", "qty", "amount")
PRICE = ("mark_price", "current_price", "price", "entry_price")
STOP = ("stop_loss", "stop", "stop_price")
BALANCE = ("equity", "balance", "total")
FIGURES = {
    "get_trades": "win_rate_percent",
    "get_open_positions": "open_positions, portfolio_risk_percent",
    "get_balance": "current_pnl, daily_pnl, max_drawdown_percent",
}
MAX_LOGGED_MESSAGES = 50

log = logging.getLogger("seatrial")


@dataclass(frozen=True)
class AccountSnapshot:
    """The account at one moment, in its base currency; None where the user's object has no answer.

    Args:
        balance: The equity of the account.
        positions: The number of open positions.
        risk_at_stop: The loss if every stop were hit; a position without a stop risks its whole value.
        unrealised_pnl: Of the open positions; None if one of them does not have it.
        pnls: The profit or loss of every closed trade.
    """

    balance: float | None = None
    positions: int | None = None
    risk_at_stop: float | None = None
    unrealised_pnl: float | None = None
    pnls: tuple[float, ...] | None = None


class BotAdapter:
    """Adapts the first argument of a monitor.

    Args:
        source: Any object. `get_trades(since)` returns trades whose `pnl` is set once they are closed,
            `get_open_positions()` returns positions with `quantity`, a price and `stop_loss`, `get_balance()` returns
            the account's equity. Rows are mappings or objects. Any of the three methods may be missing.
    """

    def __init__(self, source: object) -> None:
        self._source = source
        self._logged: set[str] = set()

    @property
    def sends_account_events(self) -> bool:
        """Return whether the object's engine sends its own account and equity events."""
        return getattr(self._source, "sends_account_events", False) is True

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the methods that the object does not have."""
        return tuple(name for name in FIGURES if not callable(getattr(self._source, name, None)))

    def log_missing_methods(self) -> None:
        """Log once which figures are absent, and how to provide them."""
        if self.missing:
            absent = "; ".join(f"without {name}(): {FIGURES[name]}" for name in self.missing)
            self._log_once(
                f"the monitor's first argument ({type(self._source).__name__}) lacks methods; these figures come from "
                f"record_trade(..., pnl=...) if it is used, else they are absent: {absent}"
            )

    def read(self) -> AccountSnapshot:
        """Call every method that exists and return the account."""
        positions = self._rows("get_open_positions")
        trades = self._rows("get_trades", EPOCH)
        pnls = None if trades is None else tuple(p for p in (number(row, ("pnl",)) for row in trades) if p is not None)
        return AccountSnapshot(
            balance=self._balance(),
            positions=None if positions is None else len(positions),
            risk_at_stop=None if positions is None else self._risk(positions),
            unrealised_pnl=None if positions is None else unrealised(positions),
            pnls=pnls,
        )

    def closed_pnl_since(self, since: datetime) -> float | None:
        """Return the summed profit or loss of trades closed since an instant; None if unknown."""
        trades = self._rows("get_trades", since)
        return None if trades is None else sum(number(row, ("pnl",)) or 0.0 for row in trades)

    def _balance(self) -> float | None:
        answer = self._call("get_balance")
        if answer is None:
            return None
        balance = number({"balance": answer}, ("balance",))
        if balance is None:
            balance = number(answer, BALANCE)
        if balance is None:
            self._log_once(f"get_balance() returned {type(answer).__name__} without a finite {' or '.join(BALANCE)}")
        return balance

    def _risk(self, positions: list[object]) -> float | None:
        total = 0.0
        for row in positions:
            quantity, price, stop = number(row, QUANTITY), number(row, PRICE), number(row, STOP)
            if quantity is None or price is None:
                self._log_once("an open position has no quantity or no price; portfolio_risk_percent is absent")
                return None
            is_short = quantity < 0 or str(value(row, ("side",)) or "").upper() in ("SELL", "SHORT")
            at_stop = 0.0 if stop is None and not is_short else price * 2 if stop is None else stop
            total += max(0.0, (at_stop - price if is_short else price - at_stop) * abs(quantity))
        return total

    def _rows(self, method: str, *arguments: datetime) -> list[object] | None:
        answer = self._call(method, *arguments)
        if answer is None:
            return None
        if hasattr(answer, "to_dict") and hasattr(answer, "columns"):  # a pandas frame iterates over its columns
            answer = answer.to_dict("records")
        if isinstance(answer, Mapping):
            answer = answer.values()
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
            self._log_once(f"{method}() returned {type(answer).__name__}, not rows; {FIGURES[method]} is absent")
            return None
        return list(answer)

    def _call(self, name: str, *arguments: datetime) -> object:
        method = getattr(self._source, name, None)
        if not callable(method):
            return None
        try:
            answer = _call_method(method, arguments)
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything; the monitor continues without it
            self._log_once(f"{name}() failed ({type(error).__name__}: {error}); {FIGURES[name]} is absent")
            return None
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            self._log_once(f"{name}() is asynchronous, which the monitor cannot await; {FIGURES[name]} is absent")
            return None
        return answer

    def _log_once(self, message: str) -> None:
        if message not in self._logged and len(self._logged) < MAX_LOGGED_MESSAGES:
            self._logged.add(message)
            log.warning(message)


def _call_method(method: Callable[..., object], arguments: tuple[datetime, ...]) -> object:
    try:
        return method(*arguments)
    except TypeError:
        if not arguments:
            raise
        return method(*(argument.replace(tzinfo=None) for argument in arguments))  # the user's times are naive UTC


def value(row: object, names: tuple[str, ...]) -> object:
    """Return the first of these fields that a mapping or object has, None if it has none of them."""
    for name in names:
        content = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
        if content is not None:
            return content
    return None


def number(row: object, names: tuple[str, ...]) -> float | None:
    """Return the first of these fields as a finite number, None if it is not one."""
    content = value(row, names)
    if content is None or isinstance(content, bool) or callable(content):
        return None
    try:
        result = float(content)  # type: ignore[arg-type]  # a value of another type raises TypeError
    except (TypeError, ValueError):
        return None
    return result if isfinite(result) else None


def unrealised(positions: list[object]) -> float | None:
    """Return the summed unrealised profit or loss; None if a position does not have it."""
    pnls = [number(row, ("unrealised_pnl", "unrealized_pnl")) for row in positions]
    return None if None in pnls else sum(pnl for pnl in pnls if pnl is not None)
