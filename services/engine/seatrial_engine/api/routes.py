"""The routes of the engine service: parse, call, return."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Request, Response

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, ReplayRequest, ReplayState, ReplayTrades, Side, Signal, TradingState
from seatrial_core.errors import SeatrialError, Unauthenticated, Unavailable, field_error
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER
from seatrial_engine import examples
from seatrial_engine.api import queries, webhook_auth
from seatrial_engine.api.schemas import (
    ControlRequest,
    ControlState,
    OrderCheckResult,
    OrderRequest,
    PricesAccepted,
    PriceUpdates,
    WebhookAccepted,
)
from seatrial_engine.api.webhook_auth import WebhookKeys, WebhookRequest
from seatrial_engine.domain import events, signal_parser
from seatrial_engine.domain.exchange import ExchangeFault
from seatrial_engine.domain.order_processor import ProcessingResult, SignalRequest
from seatrial_engine.engine import answer
from seatrial_engine.service import EngineService
from seatrial_engine.store import queries as stored
from seatrial_service.web import requires

FAULT_HEADER = "Seatrial-Fault"
# Senders like TradingView hang up after 3 s.
WEBHOOK_SECONDS = 2.0
Json = dict[str, Any]  # Any: JSON
FaultHeader = Annotated[str | None, Header(alias=FAULT_HEADER, description="What the simulated exchange does wrong")]


def routes(service: EngineService) -> list[APIRouter]:
    """Return the routes over a service."""
    return [_trade(service), _webhook(service), queries.routes(service), _control(service), _replays(service)]


def _trade(service: EngineService) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["trading"], dependencies=[requires("engine:trade")])

    @router.post("/signals", responses={200: examples.answer(examples.RESULT)})
    async def signal(body: Annotated[Json, Body(examples=[examples.SIGNAL])], fault: FaultHeader = None) -> Json:
        """Trade a signal: at the last price, at once; the same client_order_id again is the same order."""
        wish = signal_parser.read({"account": service.config.account, **body}, strict=True)
        return answer(await service.trading.signal(SignalRequest(wish, _fault(fault, wish))))

    @router.post("/orders", status_code=201, responses={201: examples.answer(examples.ORDER)})
    async def order(body: OrderRequest, response: Response, fault: FaultHeader = None) -> Order:
        """Place a market order; 201 when it is new (filled or rejected), 200 when it was there already."""
        wish = _wish(body, service.config.account)
        change = await service.trading.signal(SignalRequest(wish, _fault(fault, wish)))
        if change.repeated:
            response.status_code = 200
        assert change.order is not None, "buying and selling always make an order"
        return change.order

    @router.post("/orders/check", responses={200: examples.answer({"accepted": False, "reason": "halted"})})
    async def check(body: Annotated[Json, Body(examples=[examples.SIGNAL])]) -> OrderCheckResult:
        """Say whether an order would be accepted now. Nothing is sent, nothing is stored."""
        wish = signal_parser.read({"account": service.config.account, **body}, strict=True)
        state = service.trading.state
        reason = service.desk.judge(state, wish)
        return OrderCheckResult(accepted=reason is None, reason=reason, state=state.control.state)

    @router.post("/prices", responses={200: examples.answer({"taken": 1, "filled": 0})})
    async def prices(body: PriceUpdates) -> PricesAccepted:
        """Take last prices: positions are marked, stops and targets that are reached fill."""
        change = await service.trading.prices([(each.symbol, each.price) for each in body.prices])
        return PricesAccepted(taken=len(body.prices), filled=len(change.effects.fills))

    return router


def _webhook(service: EngineService) -> APIRouter:
    router = APIRouter(tags=["webhook"])
    keys = WebhookKeys(service.settings.webhook_secret, service.settings.webhook_token)

    async def take(request: Request, response: Response, token: str | None) -> WebhookAccepted:
        delivery = WebhookRequest(
            await request.body(), request.headers.get(TIMESTAMP_HEADER), request.headers.get(SIGNATURE_HEADER), token
        )
        try:
            opened = webhook_auth.open_delivery(delivery, keys, int(service.clock.now().timestamp()))
            change = await _traded(service, opened.fields, opened.order_ids)
        except SeatrialError as error:
            status = "refused" if isinstance(error, Unauthenticated) else "error" if error.status >= 500 else "invalid"
            await _count(service, status)
            raise
        if change is None:
            response.status_code = 202
            return WebhookAccepted(status="accepted")
        await _count(service, "success" if change.order is None or change.order.price is not None else "rejected")
        found = answer(change)
        return WebhookAccepted(status=found["status"], order_id=found["order_id"], reason=found["reason"])

    @router.post("/webhook", responses={200: examples.answer({"status": "filled", "order_id": "0f5c2d"})})
    async def signed(request: Request, response: Response) -> WebhookAccepted:
        """Trade a signed signal; a delivery that comes twice is one order."""
        return await take(request, response, None)

    @router.post("/webhook/{token}", responses={200: examples.answer({"status": "filled", "order_id": "0f5c2d"})})
    async def tokened(token: str, request: Request, response: Response) -> WebhookAccepted:
        """Trade a signal of a sender that cannot sign; the same body within five minutes is one order."""
        request.scope["path"] = "/webhook/..."  # what logs name must not be the token
        return await take(request, response, token)

    return router


async def _traded(
    service: EngineService, fields: Mapping[str, Any], order_ids: tuple[str, ...]
) -> ProcessingResult | None:
    """Trade a webhook's signal; None when that takes longer than the sender waits (it goes on)."""
    wish = signal_parser.read({"account": service.config.account, **fields})
    if wish.client_order_id is None:
        newest, *older = order_ids
        if older:
            async with service.database.transaction() as session:
                found = await stored.find(session, [(wish.account, each) for each in older])
            newest = next((known.order.client_order_id for known in found.values()), newest)
        wish = wish.model_copy(update={"client_order_id": newest})
    task = asyncio.ensure_future(service.trading.signal(SignalRequest(wish)))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    done, _ = await asyncio.wait({task}, timeout=WEBHOOK_SECONDS)
    return task.result() if done else None


async def _count(service: EngineService, status: str) -> None:
    event = events.hooked(
        service.desk.new_id(),
        service.clock.now(),
        service.config.name,
        Environment(service.settings.environment),
        status,
    )
    with contextlib.suppress(Unavailable):
        await service.trading.tell([event])


def _control(service: EngineService) -> APIRouter:
    router = APIRouter(prefix="/v1/control", tags=["control"])
    commanded = examples.answers(examples.CONTROL)

    async def command(wanted: TradingState, body: ControlRequest) -> ControlState:
        change = await service.trading.control(wanted, body.actor, body.reason)
        return ControlState.model_validate(change.state.control, from_attributes=True)

    @router.get("", dependencies=[requires("engine:control")], responses=commanded)
    async def state() -> ControlState:
        """Say what the engine may do."""
        return ControlState.model_validate(service.trading.state.control, from_attributes=True)

    @router.post("/halt", dependencies=[requires("engine:control")], responses=commanded)
    async def halt(body: ControlRequest) -> ControlState:
        """Send no order any more, until resumed; stops and targets at the exchange stay."""
        return await command(TradingState.HALTED, body)

    @router.post("/reduce", dependencies=[requires("engine:control")], responses=commanded)
    async def reduce(body: ControlRequest) -> ControlState:
        """Only close positions, until resumed."""
        return await command(TradingState.REDUCING, body)

    @router.post("/resume", dependencies=[requires("engine:control")], responses=commanded)
    async def resume(body: ControlRequest) -> ControlState:
        """Trade again."""
        return await command(TradingState.ACTIVE, body)

    return router


def _replays(service: EngineService) -> APIRouter:
    router = APIRouter(prefix="/v1/replays", tags=["replays"], dependencies=[requires("engine:trade")])
    told = examples.answers(examples.REPLAY)

    @router.post("", status_code=202, responses={202: examples.answer(examples.REPLAY)})
    async def create(body: ReplayRequest) -> ReplayState:
        """Trade stored bars as if they came in now; the same request again is the same replay."""
        return await service.runner.create(body)

    @router.get("/{identity}", responses=told)
    async def state(identity: str) -> ReplayState:
        """Say how far a replay is, and how many events the metrics service has not yet got."""
        return await service.runner.state(identity)

    @router.delete("/{identity}", responses=told)
    async def stop(identity: str) -> ReplayState:
        """Stop a replay where it is."""
        return await service.runner.stop(identity)

    @router.get("/{identity}/trades", responses={200: examples.answer([{"account": "a", "symbol": "AAPL"}])})
    async def trades(identity: str) -> list[ReplayTrades]:
        """Return every account's closed trades and equity so far, in the shape of a backtest's."""
        return await service.runner.trades(identity)

    return router


def _wish(body: OrderRequest, account: str) -> Signal:
    values = body.model_dump(exclude={"side"})
    action = "buy" if body.side is Side.BUY else "sell"
    return Signal.model_validate({**values, "action": action, "account": body.account or account})


def _fault(header: str | None, wish: Signal) -> ExchangeFault | None:
    if header is None:
        return None
    if header not in set(ExchangeFault):
        raise field_error(FAULT_HEADER, header[:80], ", ".join(ExchangeFault))
    if wish.account != "stress" and wish.environment is not Environment.STRESS:
        raise field_error(FAULT_HEADER, header, "only on orders of account=stress or environment=stress")
    return ExchangeFault(header)
