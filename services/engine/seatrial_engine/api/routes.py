"""The routes that change something: signals, orders, prices, control and replays."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Request, Response

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, ReplayRequest, ReplayState, ReplayTrades, Side, Signal, TradingState
from seatrial_core.contracts.text import Identity, Name
from seatrial_core.errors import field_error
from seatrial_core.json_types import Json
from seatrial_engine import examples
from seatrial_engine.api import queries, webhook_routes
from seatrial_engine.api.schemas import (
    ControlRequest,
    ControlState,
    OrderCheckResult,
    OrderRequest,
    PricesAccepted,
    PriceUpdates,
)
from seatrial_engine.domain import signal_parser
from seatrial_engine.domain.commands import MarkPrices, SetTradingState, TradeRequest
from seatrial_engine.domain.exchange import ExchangeFault
from seatrial_engine.domain.order_processor import STRESS_ACCOUNT
from seatrial_engine.engine import answer
from seatrial_engine.replays.requests import read_replay
from seatrial_engine.service import EngineService
from seatrial_service.parsing.bodies import json_schema
from seatrial_service.routing import CalledBy, Caller, requires, service_router

FAULT_HEADER = "Seatrial-Fault"
ACTIONS = {TradingState.HALTED: "halt", TradingState.REDUCING: "reduce", TradingState.ACTIVE: "resume"}
FaultHeader = Annotated[
    Name | None, Header(alias=FAULT_HEADER, description="The failure that the simulated exchange injects")
]

REPLAY_BODY: dict[str, Any] = {  # Any: OpenAPI
    "requestBody": {"required": True, "content": {"application/json": {"schema": json_schema(ReplayRequest)}}}
}


def routes(service: EngineService) -> list[APIRouter]:
    """Return all routes of the engine."""
    return [
        _trade(service),
        webhook_routes.routes(service),
        queries.routes(service),
        _control(service),
        _replays(service),
    ]


def _trade(service: EngineService) -> APIRouter:
    router = service_router(prefix="/v1", tags=["trading"], dependencies=[requires("engine:trade")])

    @router.post("/signals", responses={200: examples.answer(examples.RESULT)})
    async def signal(body: Annotated[Json, Body(examples=[examples.SIGNAL])], fault: FaultHeader = None) -> Json:
        """Trade a signal at the last price. The same client_order_id again returns the same order."""
        parsed = signal_parser.read({"account": service.config.account, **body}, strict=True)
        return answer(await service.writer.submit(TradeRequest(parsed, _fault(fault, parsed))))

    @router.post("/orders", status_code=201, responses={201: examples.answer(examples.ORDER)})
    async def order(body: OrderRequest, response: Response, fault: FaultHeader = None) -> Order:
        """Place a market order; 201 for a new one (filled or rejected), 200 for a repeated one."""
        parsed = _signal(body, service.config.account)
        result = await service.writer.submit(TradeRequest(parsed, _fault(fault, parsed)))
        if result.repeated:
            response.status_code = 200
        assert result.order is not None, "buying and selling always make an order"
        return result.order

    @router.post("/orders/check", responses={200: examples.answer({"accepted": False, "reason": "halted"})})
    async def check(body: Annotated[Json, Body(examples=[examples.SIGNAL])]) -> OrderCheckResult:
        """Return whether an order would be accepted now. Nothing is sent, nothing is stored."""
        parsed = signal_parser.read({"account": service.config.account, **body}, strict=True)
        state = service.writer.state
        reason = service.processor.reject_reason(state, parsed)
        return OrderCheckResult(accepted=reason is None, reason=reason, state=state.control.state)

    @router.post("/prices", responses={200: examples.answer({"taken": 1, "filled": 0})})
    async def prices(body: PriceUpdates) -> PricesAccepted:
        """Update last prices: mark positions, and fill the stops and targets that are reached."""
        marks = MarkPrices([(update.symbol, update.price) for update in body.prices])
        result = await service.writer.submit(marks)
        return PricesAccepted(taken=len(body.prices), filled=len(result.changes.fills))

    return router


def _control(service: EngineService) -> APIRouter:
    router = service_router(prefix="/v1/control", tags=["control"])
    control_answers = examples.answers(examples.CONTROL)

    async def set_state(state: TradingState, body: ControlRequest, caller: Caller) -> ControlState:
        actor, note = caller.actor(body.actor)
        result = await service.writer.submit(SetTradingState(state, actor, body.reason, note))
        caller.audit(ACTIONS[state], actor=actor, note=note, reason=body.reason)
        return ControlState.model_validate(result.state.control, from_attributes=True)

    @router.get("", dependencies=[requires("engine:control")], responses=control_answers)
    async def state() -> ControlState:
        """Return the trading state."""
        return ControlState.model_validate(service.writer.state.control, from_attributes=True)

    @router.post("/halt", dependencies=[requires("engine:control")], responses=control_answers)
    async def halt(body: ControlRequest, caller: CalledBy) -> ControlState:
        """Send no orders until resumed; stops and targets at the exchange stay."""
        return await set_state(TradingState.HALTED, body, caller)

    @router.post("/reduce", dependencies=[requires("engine:control")], responses=control_answers)
    async def reduce(body: ControlRequest, caller: CalledBy) -> ControlState:
        """Only reduce positions until resumed."""
        return await set_state(TradingState.REDUCING, body, caller)

    @router.post("/resume", dependencies=[requires("engine:control")], responses=control_answers)
    async def resume(body: ControlRequest, caller: CalledBy) -> ControlState:
        """Trade again."""
        return await set_state(TradingState.ACTIVE, body, caller)

    return router


def _replays(service: EngineService) -> APIRouter:
    router = service_router(prefix="/v1/replays", tags=["replays"], dependencies=[requires("engine:trade")])
    replay_answers = examples.answers(examples.REPLAY)

    @router.post(
        "",
        status_code=202,
        responses={202: examples.answer(examples.REPLAY)},
        openapi_extra=REPLAY_BODY,
    )
    async def create(request: Request) -> ReplayState:
        """Trade stored bars as if they arrived now; the same request again returns the same replay."""
        return await service.replays.create(await service.bodies.read(request, read_replay))

    @router.get("/{identity}", responses=replay_answers)
    async def state(identity: Identity) -> ReplayState:
        """Return the progress of a replay, and how many events the metrics service has not received yet."""
        return await service.replays.state(identity)

    @router.delete("/{identity}", responses=replay_answers)
    async def stop(identity: Identity) -> ReplayState:
        """Stop a replay at its current step."""
        return await service.replays.stop(identity)

    @router.get(
        "/{identity}/trades",
        response_model=list[ReplayTrades],
        responses={200: examples.answer([{"account": "a", "symbol": "AAPL"}])},
    )
    async def trades(identity: Identity) -> Response:
        """Return every account's closed trades and equity so far, in the format of a backtest."""
        return Response(await service.replays.trades(identity), media_type="application/json")

    return router


def _signal(body: OrderRequest, account: str) -> Signal:
    values = body.model_dump(exclude={"side"})
    action = "buy" if body.side is Side.BUY else "sell"
    return Signal.model_validate({**values, "action": action, "account": body.account or account})


def _fault(header: str | None, signal: Signal) -> ExchangeFault | None:
    if header is None:
        return None
    if header not in set(ExchangeFault):
        raise field_error(FAULT_HEADER, header[:80], ", ".join(ExchangeFault))
    if signal.account != STRESS_ACCOUNT and signal.environment is not Environment.STRESS:
        raise field_error(FAULT_HEADER, header, "only on orders of account=stress or environment=stress")
    return ExchangeFault(header)
