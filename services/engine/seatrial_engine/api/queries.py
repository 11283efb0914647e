"""The routes that only read: orders, fills, positions, accounts and the outbox."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from seatrial_core.contracts.events import Label
from seatrial_core.contracts.numbers import AnyInstant
from seatrial_core.contracts.orders import AccountState, Order, PositionState, TradingState
from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.text import Identity
from seatrial_core.errors import NotFound
from seatrial_engine import examples
from seatrial_engine.api.schemas import FillItem, OutboxState
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.decimals import wire
from seatrial_engine.domain.fills import Fill
from seatrial_engine.service import EngineService
from seatrial_engine.store import outbox, queries
from seatrial_engine.store import state as states
from seatrial_engine.store.queries import ListFilter
from seatrial_service.cursors import parse_sequence
from seatrial_service.routing import requires, service_router

MAX_LISTED = 1_000
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED)]


def routes(service: EngineService) -> APIRouter:
    """Return the reading routes."""
    router = service_router(prefix="/v1", tags=["reading"], dependencies=[requires("engine:trade")])
    _orders(router, service)
    _accounts(router, service)
    return router


def _orders(router: APIRouter, service: EngineService) -> None:
    @router.get("/orders", responses={200: examples.answer(examples.page(examples.ORDER))})
    async def orders(
        account: Label | None = None,
        client_order_id: Label | None = None,
        since: AnyInstant | None = None,
        limit: Limit = 100,
        cursor: Identity | None = None,
    ) -> Page[Order]:
        """List orders, oldest first; an acknowledged order is always listed."""
        filters = ListFilter(account, since, client_order_id, parse_sequence(cursor))
        async with service.database.transaction() as session:
            rows = await queries.orders(session, filters, limit + 1)
        return Page(items=[order for _, order in rows[:limit]], next_cursor=_next_cursor(rows, limit))

    @router.get("/orders/{identity}", responses={200: examples.answer(examples.ORDER)})
    async def order(identity: Identity) -> Order:
        """Return one order."""
        async with service.database.transaction() as session:
            stored = await queries.order(session, identity)
        if stored is None:
            raise NotFound(f"there is no order {identity!r}")
        return stored

    @router.get("/ledger", responses={200: examples.answer(examples.page({"id": "0f5c2d", "order_id": "0f5c2d"}))})
    async def ledger(
        account: Label | None = None,
        since: AnyInstant | None = None,
        limit: Limit = 100,
        cursor: Identity | None = None,
    ) -> Page[FillItem]:
        """List every fill, oldest first. Cash is the opening balance less what these paid and cost."""
        filters = ListFilter(account, since, None, parse_sequence(cursor))
        async with service.database.transaction() as session:
            rows = await queries.fills(session, filters, limit + 1)
        return Page(items=[_item(fill) for _, fill in rows[:limit]], next_cursor=_next_cursor(rows, limit))


def _accounts(router: APIRouter, service: EngineService) -> None:
    @router.get("/positions", responses={200: examples.answer(examples.page(examples.POSITION))})
    async def positions(account: Label | None = None) -> Page[PositionState]:
        """List open positions, those of replays too."""
        stored = await _stored(service, account)
        return Page(items=[position for owner in stored for position in _positions(owner)])

    @router.get("/accounts", responses={200: examples.answer(examples.page(examples.ACCOUNT))})
    async def accounts() -> Page[AccountState]:
        """List every account, those of replays too."""
        state = service.writer.state.control.state
        return Page(items=[_account(stored, state) for stored in await _stored(service, None)])

    @router.get("/account", responses={200: examples.answer(examples.ACCOUNT)})
    async def account(account: Label | None = None) -> AccountState:
        """Return one account; the default one when none is named."""
        name = account or service.config.account
        stored = await _stored(service, name)
        if not stored:
            raise NotFound(f"there is no account {name!r}; its first signal opens it")
        return _account(stored[0], service.writer.state.control.state)

    @router.get("/outbox", responses={200: examples.answer({"pending": 0, "refused": 0, "last_error": None})})
    async def pending_events() -> OutboxState:
        """Return how many events wait for the metrics service, and how many it rejected."""
        async with service.database.transaction() as session:
            pending, rejected = await outbox.pending(session), await outbox.rejected(session)
        return OutboxState(pending=pending, refused=rejected, last_error=service.relay.last_error)


async def _stored(service: EngineService, name: str | None) -> list[Account]:
    async with service.database.transaction() as session:
        stored = await states.accounts(session)
    return [account for account in stored if name in {None, account.name}]


def _positions(account: Account) -> list[PositionState]:
    return [
        PositionState(
            account=account.name,
            symbol=position.symbol,
            strategy=position.strategy,
            quantity=position.quantity,
            entry_price=position.entry_price,
            mark_price=position.mark_price,
            unrealised_pnl=position.unrealised_pnl,
            stop_loss=position.stop_loss,
            take_profit=position.take_profit,
            opened_at=position.opened_at,
        )
        for position in account.positions.values()
    ]


def _account(account: Account, state: TradingState) -> AccountState:
    return AccountState(
        account=account.name,
        environment=account.environment,
        opening_balance=account.initial_balance,
        cash=account.cash,
        equity=account.equity,
        open_positions=len(account.positions),
        state=state,
    )


def _next_cursor(rows: Sequence[tuple[int, object]], limit: int) -> str | None:
    return str(rows[limit - 1][0]) if len(rows) > limit else None


def _item(fill: Fill) -> FillItem:
    # An average entry price has endless digits, and so has the profit or loss computed from it.
    rounded = replace(fill, pnl=None if fill.pnl is None else Decimal(wire(fill.pnl)))
    return FillItem.model_validate(rounded, from_attributes=True)
