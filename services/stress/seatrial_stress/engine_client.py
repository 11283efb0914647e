"""Reads the engine's orders and fills over HTTP after a run."""

from datetime import datetime, timedelta

from pydantic import BaseModel

from seatrial_core.clients import AsyncServiceClient
from seatrial_core.errors import SeatrialError
from seatrial_core.json_types import Json
from seatrial_core.timestamps import format_rfc3339
from seatrial_stress.checks.engine_records import EngineRecords, parse_fill, parse_order
from seatrial_stress.load.tls import SYSTEM_TLS, TlsOptions

PAGE_SIZE = 1_000
MAX_PAGES = 1_000
TIMEOUT_SECONDS = 10.0
CLOCK_MARGIN = timedelta(seconds=60)
Cursor = str | int | float | bool


class RecordPage(BaseModel):
    """A page of any engine's records; an engine of another maker may have rows and cursors of another form."""

    items: list[Json]
    next_cursor: Cursor | None


async def read_records(target: str, token: str, since: datetime, tls: TlsOptions = SYSTEM_TLS) -> EngineRecords:
    """Return the engine's orders and fills; a list that cannot be read is None with the reason.

    Args:
        target: The engine's address.
        token: Its bearer token, empty for none.
        since: Start of the run by our clock; the engine's may be up to a minute behind.
        tls: How the certificate of an https:// target is verified.
    """
    client = AsyncServiceClient("engine", url=target, token=token, timeout_seconds=TIMEOUT_SECONDS, tls=tls.context())
    # Fills first: a fill recorded between the two requests then has its order in the second response.
    try:
        fills, why_no_fills = await _read_list(client, "/v1/ledger", since)
        orders, why_no_orders = await _read_list(client, "/v1/orders", since)
    finally:
        await client.close()
    return EngineRecords(
        orders=None if orders is None else tuple(parse_order(row) for row in orders),
        fills=None if fills is None else tuple(parse_fill(row) for row in fills),
        why_no_orders=why_no_orders,
        why_no_fills=why_no_fills,
    )


async def _read_list(client: AsyncServiceClient, path: str, since: datetime) -> tuple[list[Json] | None, str]:
    rows: list[Json] = []
    cursor: Cursor | None = None
    params = {"account": "stress", "since": format_rfc3339(since - CLOCK_MARGIN), "limit": str(PAGE_SIZE)}
    for _ in range(MAX_PAGES):
        try:
            response = await client.request("GET", path, params={**params, **({"cursor": cursor} if cursor else {})})
            page = RecordPage.model_validate(response)
        except SeatrialError as error:
            return None, f"{path} cannot be read: {error.detail}"
        except ValueError:
            return None, f"the response of {path} is not a page with `items` and `next_cursor`"
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            return rows, ""
    return None, f"{path} has more than {MAX_PAGES} pages"
