"""The routes that only read: orders, fills, positions, accounts, the outbox."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from seatrial_core.contracts.orders import AccountState, Order, PositionState, TradingState
from seatrial_core.contracts.pages import Page
from seatrial_core.errors import NotFound, field_error
from seatrial_engine import examples
from seatrial_engine.api.schemas import FillItem, OutboxState
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.decimals import wire
from seatrial_engine.domain.fills import Fill
from seatrial_engine.service import EngineService
from seatrial_engine.store import outbox, queries
from seatrial_engine.store import state as states
from seatrial_engine.store.queries import ListFilter
from seatrial_service.web import requires

MAX_LISTED = 1_000
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED)]


def routes(service: EngineService) -> APIRouter:
    """Return the routes over a service."""
    router = APIRouter(prefix="/v1", tags=["reading"], dependencies=[requires("engine:trade")])
    _orders(router, service)
    _accounts(router, service)
    return router


def _orders(router: APIRouter, service: EngineService) -> None:
    @router.get("/orders", responses={200: examples.answer(examples.page(examples.ORDER))})
    async def orders(
        account: str | None = None,
        client_order_id: str | None = None,
        since: AwareDatetime | None = None,
        limit: Limit = 100,
        cursor: str | None = None,
    ) -> Page[Order]:
        """List orders, oldest first; an order is here from the moment it was acknowledged."""
        wanted = ListFilter(account, since, client_order_id, _sequence(cursor))
        async with service.database.transaction() as session:
            found = await queries.orders(session, wanted, limit + 1)
        more = str(found[limit - 1][0]) if len(found) > limit else None
        return Page(items=[order for _, order in found[:limit]], next_cursor=more)

    @router.get("/orders/{identity}", responses={200: examples.answer(examples.ORDER)})
    async def order(identity: str) -> Order:
        """Return one order."""
        async with service.database.transaction() as session:
            found = await queries.order(session, identity)
        if found is None:
            raise NotFound(f"there is no order {identity!r}")
        return found

    @router.get("/ledger", responses={200: examples.answer(examples.page({"id": "0f5c2d", "order_id": "0f5c2d"}))})
    async def ledger(
        account: str | None = None,
        since: AwareDatetime | None = None,
        limit: Limit = 100,
        cursor: str | None = None,
    ) -> Page[FillItem]:
        """List every fill, oldest first: cash is the opening balance less what these paid and cost."""
        wanted = ListFilter(account, since, None, _sequence(cursor))
        async with service.database.transaction() as session:
            found = await queries.fills(session, wanted, limit + 1)
        more = str(found[limit - 1][0]) if len(found) > limit else None
        items = [_item(fill) for _, fill in found[:limit]]
        return Page(items=items, next_cursor=more)


def _accounts(router: APIRouter, service: EngineService) -> None:
    @router.get("/positions", responses={200: examples.answer(examples.page(examples.POSITION))})
    async def positions(account: str | None = None) -> Page[PositionState]:
        """List open positions, those of replays too."""
        return Page(items=[each for held in await _stored(service, account) for each in _positions(held)])

    @router.get("/accounts", responses={200: examples.answer(examples.page(examples.ACCOUNT))})
    async def accounts() -> Page[AccountState]:
        """List every account, those of replays too."""
        state = service.trading.state.control.state
        return Page(items=[_account(each, state) for each in await _stored(service, None)])

    @router.get("/account", responses={200: examples.answer(examples.ACCOUNT)})
    async def account(account: str | None = None) -> AccountState:
        """Return one account; the default one when none is named."""
        name = account or service.config.account
        found = await _stored(service, name)
        if not found:
            raise NotFound(f"there is no account {name!r}; it begins with its first signal")
        return _account(found[0], service.trading.state.control.state)

    @router.get("/outbox", responses={200: examples.answer({"pending": 0, "refused": 0, "last_error": None})})
    async def waiting() -> OutboxState:
        """Say how many events wait for the metrics service, and how many it refused."""
        async with service.database.transaction() as session:
            pending, refused = await outbox.pending(session), await outbox.refused(session)
        return OutboxState(pending=pending, refused=refused, last_error=service.pusher.last_error)


async def _stored(service: EngineService, name: str | None) -> list[Account]:
    async with service.database.transaction() as session:
        found = await states.accounts(session)
    return [each for each, _ in found if name in {None, each.name}]


def _positions(account: Account) -> list[PositionState]:
    return [
        PositionState(
            account=account.name,
            symbol=held.symbol,
            strategy=held.strategy,
            quantity=held.quantity,
            entry_price=held.entry_price,
            mark_price=held.mark_price,
            unrealised_pnl=held.unrealised_pnl,
            stop_loss=held.stop_loss,
            take_profit=held.take_profit,
            opened_at=held.opened_at,
        )
        for held in account.holdings.values()
    ]


def _account(account: Account, state: TradingState) -> AccountState:
    return AccountState(
        account=account.name,
        environment=account.environment,
        opening_balance=account.opening_balance,
        cash=account.cash,
        equity=account.equity,
        open_positions=len(account.holdings),
        state=state,
    )


def _sequence(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > 18:
        raise field_error("cursor", cursor[:80], "the next_cursor of the page before")
    return int(cursor)


def _item(fill: Fill) -> FillItem:
    """Return a fill in its wire form: an average price has endless digits, and so has a profit made of it."""
    kept = replace(fill, pnl=None if fill.pnl is None else Decimal(wire(fill.pnl)))
    return FillItem.model_validate(kept, from_attributes=True)
