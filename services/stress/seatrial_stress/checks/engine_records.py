"""The engine's orders and fills as its API returns them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True)
class RecordedOrder:
    """An order in the engine's records."""

    id: str
    client_order_id: str
    status: str
    quantity: Decimal
    side: str = "BUY"


@dataclass(frozen=True)
class RecordedFill:
    """A fill in the engine's records."""

    id: str
    order_id: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class EngineRecords:
    """The engine's orders and fills; None, with the reason, for a list that could not be read."""

    orders: tuple[RecordedOrder, ...] | None = None
    fills: tuple[RecordedFill, ...] | None = None
    why_no_orders: str = "the engine has no list of orders"
    why_no_fills: str = "the engine has no list of fills"


def parse_order(row: Mapping[str, Any]) -> RecordedOrder:  # Any: JSON
    """Return an order from a row of `/v1/orders`; a quantity that is not a number becomes NaN."""
    return RecordedOrder(
        id=str(row.get("id")),
        client_order_id=str(row.get("client_order_id")),
        status=str(row.get("status")),
        quantity=_decimal(row.get("quantity")),
        side=str(row.get("side")),
    )


def parse_fill(row: Mapping[str, Any]) -> RecordedFill:  # Any: JSON
    """Return a fill from a row of `/v1/ledger`; a quantity or price that is not a number becomes NaN."""
    return RecordedFill(
        id=str(row.get("id")),
        order_id=str(row.get("order_id")),
        quantity=_decimal(row.get("quantity")),
        price=_decimal(row.get("price")),
    )


def _decimal(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")
