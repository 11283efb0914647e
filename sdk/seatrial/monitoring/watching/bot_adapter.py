"""Reads the owner's own database object: of three questions it asks those that the object can answer."""

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUANTITY = ("quantity", "size", "qty", "amount")
PRICE = ("mark_price", "current_price", "price", "entry_price")
STOP = ("stop_loss", "stop", "stop_price")
BALANCE = ("equity", "balance", "total")
FIGURES = {
    "get_trades": "win_rate_percent",
    "get_open_positions": "open_positions, portfolio_risk_percent",
    "get_balance": "current_pnl, daily_pnl, max_drawdown_percent",
}

log = logging.getLogger("seatrial")


@dataclass(frozen=True)
class AccountSnapshot:
    """What the owner's object said at one moment; None where it cannot say it.

    Args:
        balance: Equity of the account.
        positions: How many are open.
        risk_at_stop: What would be lost if every stop were hit; a position without a stop risks its whole value.
        unrealised_pnl: Of the open positions, where they carry it.
        pnls: Profit or loss of every closed trade.
    """

    balance: float | None = None
    positions: int | None = None
    risk_at_stop: float | None = None
    unrealised_pnl: float | None = None
    pnls: tuple[float, ...] | None = None


class BotAdapter:
    """The first argument of a monitor.

    Args:
        source: Any object. `get_trades(since)` returns trades whose `pnl` is set once they are closed,
            `get_open_positions()` returns positions with `quantity`, a price and `stop_loss`, `get_balance()` returns
            the account's equity. Rows are mappings or objects. What is missing is left out.
    """

    def __init__(self, source: object) -> None:
        self._source = source
        self._said: set[str] = set()

    @property
    def tells_the_ledger_itself(self) -> bool:
        """Tell whether the object's engine sends its own account and equity events."""
        return getattr(self._source, "tells_the_ledger_itself", False) is True

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the questions that the object cannot answer."""
        return tuple(name for name in FIGURES if not callable(getattr(self._source, name, None)))

    def say_what_is_missing(self) -> None:
        """Log once which figures are absent, and how to get them."""
        if self.missing:
            absent = "; ".join(f"without {name}(): {FIGURES[name]}" for name in self.missing)
            self._say(
                f"the monitor's first argument ({type(self._source).__name__}) lacks methods; these figures come from "
                f"record_trade(..., pnl=...) where it is used and are absent otherwise: {absent}"
            )

    def read(self) -> AccountSnapshot:
        """Ask everything that can be asked."""
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
        """Return the summed profit or loss of trades closed since an instant; None when not known."""
        trades = self._rows("get_trades", since)
        return None if trades is None else sum(number(row, ("pnl",)) or 0.0 for row in trades)

    def _balance(self) -> float | None:
        answer = self._ask("get_balance")
        if answer is None:
            return None
        found = number({"balance": answer}, ("balance",))
        if found is None:
            found = number(answer, BALANCE)
        if found is None:
            self._say(f"get_balance() returned {type(answer).__name__} without a finite {' or '.join(BALANCE)}")
        return found

    def _risk(self, positions: list[object]) -> float | None:
        total = 0.0
        for row in positions:
            quantity, price, stop = number(row, QUANTITY), number(row, PRICE), number(row, STOP)
            if quantity is None or price is None:
                self._say("an open position has no quantity or no price; portfolio_risk_percent is absent")
                return None
            is_short = quantity < 0 or str(value(row, ("side",)) or "").upper() in ("SELL", "SHORT")
            at_stop = 0.0 if stop is None and not is_short else price * 2 if stop is None else stop
            total += max(0.0, (at_stop - price if is_short else price - at_stop) * abs(quantity))
        return total

    def _rows(self, method: str, *arguments: datetime) -> list[object] | None:
        answer = self._ask(method, *arguments)
        if answer is None:
            return None
        if hasattr(answer, "to_dict") and hasattr(answer, "columns"):  # a pandas frame iterates over its columns
            answer = answer.to_dict("records")
        if isinstance(answer, Mapping):
            answer = answer.values()
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
            self._say(f"{method}() returned {type(answer).__name__}, not rows; {FIGURES[method]} is absent")
            return None
        return list(answer)

    def _ask(self, name: str, *arguments: datetime) -> object:
        method = getattr(self._source, name, None)
        if not callable(method):
            return None
        try:
            answer = _call(method, arguments)
        except Exception as error:  # noqa: BLE001 - the owner's code may raise anything; the monitor goes on without it
            self._say(f"{name}() failed ({type(error).__name__}: {error}); {FIGURES[name]} is absent meanwhile")
            return None
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            self._say(f"{name}() is asynchronous, the monitor's thread cannot wait for it; {FIGURES[name]} is absent")
            return None
        return answer

    def _say(self, sentence: str) -> None:
        if sentence not in self._said and len(self._said) < 50:
            self._said.add(sentence)
            log.warning(sentence)


def _call(method: Callable[..., object], arguments: tuple[datetime, ...]) -> object:
    try:
        return method(*arguments)
    except TypeError:
        if not arguments:
            raise
        return method(*(argument.replace(tzinfo=None) for argument in arguments))  # the owner's times are naive UTC


def value(row: object, names: tuple[str, ...]) -> object:
    """Return the first of these fields that a mapping or object has."""
    for name in names:
        found = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
        if found is not None:
            return found
    return None


def number(row: object, names: tuple[str, ...]) -> float | None:
    """Return the first of these fields that holds a finite number."""
    found = value(row, names)
    if found is None or isinstance(found, bool) or callable(found):
        return None
    try:
        result = float(found)  # type: ignore[arg-type]  # whatever refuses is no number
    except (TypeError, ValueError):
        return None
    return result if isfinite(result) else None


def unrealised(positions: list[object]) -> float | None:
    """Return the summed unrealised profit or loss; None when a position does not carry it."""
    found = [number(row, ("unrealised_pnl", "unrealized_pnl")) for row in positions]
    return None if any(item is None for item in found) else sum(item for item in found if item is not None)
