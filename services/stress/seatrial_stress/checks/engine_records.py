"""Reads the engine's books after a run."""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from seatrial_core.clients import AsyncServiceClient
from seatrial_core.errors import SeatrialError
from seatrial_stress.checks.consistency import BookedFill, BookedOrder, EngineRecords

PAGE = 1_000
MAX_PAGES = 1_000
TIMEOUT_SECONDS = 10.0
CLOCK_MARGIN = timedelta(seconds=60)
Row = dict[str, Any]  # Any: JSON


async def read(target: str, token: str, since: datetime) -> EngineRecords:
    """Return the orders and fills that the engine shows; what it does not show is missing with the reason.

    Args:
        target: The engine's address.
        token: Its bearer token, empty for none.
        since: When the run began, by our clock.
    """
    client = AsyncServiceClient("engine", url=target, token=token, timeout_seconds=TIMEOUT_SECONDS)
    # Fills are read first: a fill that is booked between the two readings has its order in the second.
    try:
        fills, no_fills = await _read(client, "/v1/ledger", since)
        orders, no_orders = await _read(client, "/v1/orders", since)
    finally:
        await client.close()
    return EngineRecords(
        orders=None if orders is None else tuple(_order(row) for row in orders),
        fills=None if fills is None else tuple(_fill(row) for row in fills),
        why_no_orders=no_orders,
        why_no_fills=no_fills,
    )


async def _read(client: AsyncServiceClient, path: str, since: datetime) -> tuple[list[Row] | None, str]:
    rows: list[Row] = []
    cursor: str | None = None
    params = {"account": "stress", "since": (since - CLOCK_MARGIN).isoformat(), "limit": str(PAGE)}
    for _ in range(MAX_PAGES):
        try:
            page = await client.request("GET", path, params={**params, **({"cursor": cursor} if cursor else {})})
            rows += page["items"]
            cursor = page["next_cursor"]
        except SeatrialError as error:
            return None, f"{path} cannot be read: {error.detail}"
        except (KeyError, TypeError, ValueError):
            return None, f"{path} answered something else than a page"
        if cursor is None:
            return rows, ""
    return None, f"{path} has more than {MAX_PAGES} pages"


def _order(row: Row) -> BookedOrder:
    return BookedOrder(
        id=str(row.get("id")),
        client_order_id=str(row.get("client_order_id")),
        status=str(row.get("status")),
        quantity=_number(row.get("quantity")),
        side=str(row.get("side")),
    )


def _fill(row: Row) -> BookedFill:
    return BookedFill(
        id=str(row.get("id")),
        order_id=str(row.get("order_id")),
        quantity=_number(row.get("quantity")),
        price=_number(row.get("price")),
    )


def _number(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")
