"""Processes commands: from a state and a command to the next state and the changes to store. Stores nothing itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import assert_never

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, OrderStatus, Side, Signal
from seatrial_core.decimals import EXACT
from seatrial_core.errors import Conflict
from seatrial_engine.domain import events, risk_limits
from seatrial_engine.domain.account import Account, EngineState, TradingControl
from seatrial_engine.domain.changes import Event, OrderKey, OrderRecord, StateChanges
from seatrial_engine.domain.commands import (
    Command,
    MarkPrices,
    OpenReplay,
    ProcessingResult,
    RecordEvents,
    SetTradingState,
    TradeRequest,
)
from seatrial_engine.domain.config import EngineConfig
from seatrial_engine.domain.exchange import Exchange
from seatrial_engine.domain.execution import ExecutionRequest, OrderExecutor
from seatrial_engine.domain.fills import Protection
from seatrial_engine.domain.order_intent import OrderIntent, RejectReason, order_intent
from seatrial_engine.domain.price_marks import PriceMarker
from seatrial_engine.domain.replay_ownership import open_replay
from seatrial_engine.domain.sessions import SessionClock

STRESS_ACCOUNT = "stress"


@dataclass(frozen=True)
class _Attempt:
    request: TradeRequest
    now: datetime
    started: float  # on the monotonic clock


class OrderProcessor:
    """Process one command after the other.

    Args:
        config: Fees, sizing, limits.
        exchange: Executes orders.
        clock: The only source of time.
        new_id: Returns a new unique id.
    """

    def __init__(self, config: EngineConfig, exchange: Exchange, clock: Clock, new_id: Callable[[], str]) -> None:
        self.config = config
        self._executor = OrderExecutor(config.name, exchange, clock)
        self._sessions = SessionClock(clock)
        self._marker = PriceMarker(config.name, self._executor, clock, self._sessions, new_id)
        self._clock = clock
        self._new_id = new_id

    def process(
        self, state: EngineState, command: Command, recorded: Mapping[OrderKey, OrderRecord]
    ) -> ProcessingResult:
        """Return the result of a command, with the equity after it in the history of each changed account.

        Args:
            state: The state before.
            command: What to do.
            recorded: The stored orders that the command may repeat, by key.

        Raises:
            Conflict: A client order id belongs to an order with other values, or an account of a replay is in use.
        """
        result = self._process(state, command, recorded)
        if isinstance(command, OpenReplay) or not result.changes.accounts:
            return result
        now, state = self._sessions.now(), result.state
        with localcontext(EXACT):
            accounts = {name: account.with_equity_point(now) for name, account in result.changes.accounts.items()}
        for account in accounts.values():
            state = state.with_account(account)
        return replace(result, state=state, changes=replace(result.changes, accounts=accounts))

    def _process(
        self, state: EngineState, command: Command, recorded: Mapping[OrderKey, OrderRecord]
    ) -> ProcessingResult:
        match command:
            case TradeRequest():
                return self._trade(state, command, recorded)
            case MarkPrices():
                return self._marker.mark(state, command.prices)
            case SetTradingState():
                control = TradingControl(command.state, command.actor, command.reason, self._clock.now(), command.note)
                return ProcessingResult(replace(state, control=control), StateChanges(control=control))
            case RecordEvents():
                return ProcessingResult(state, StateChanges(events=command.events))
            case OpenReplay():
                return open_replay(state, command)
            case _:
                assert_never(command)

    def reject_reason(self, state: EngineState, signal: Signal) -> RejectReason | None:
        """Return why an order would be rejected now, or None; nothing is sent and nothing changes."""
        with localcontext(EXACT):
            now = self._clock.now()
            account = self._account(state, signal)
            intent = account if isinstance(account, RejectReason) else self._intent(state, account, signal, now)
        return intent if isinstance(intent, RejectReason) else None

    def _trade(
        self, state: EngineState, request: TradeRequest, recorded: Mapping[OrderKey, OrderRecord]
    ) -> ProcessingResult:
        record = recorded.get(request.key) if request.key is not None else None
        if record is None:
            with localcontext(EXACT):
                return self._trade_new(state, _Attempt(request, self._clock.now(), self._clock.monotonic()))
        if record.fingerprint != request.fingerprint:
            raise Conflict(
                f"client_order_id {request.signal.client_order_id!r} belongs to the order {record.order.id}, "
                "which has other values; use a new id for a new order"
            )
        return ProcessingResult(state, order=record.order, reason=record.order.reason, repeated=True)

    def _trade_new(self, state: EngineState, attempt: _Attempt) -> ProcessingResult:
        signal = attempt.request.signal
        if signal.action == "hold":
            prices = [] if signal.price is None else [(signal.symbol, signal.price)]
            return replace(self._marker.mark(state, prices, signal.account), reason=RejectReason.HOLD.value)
        account = self._account(state, signal)
        if isinstance(account, RejectReason):
            return self._rejected(state, None, attempt, account)
        opening: tuple[Event, ...] = ()
        if account.name not in state.accounts:
            identity = f"account:{account.name}"
            opening = (events.account_opened(account, identity, attempt.now, self.config.name, self.config.currency),)
        state = state.with_account(account)
        if signal.price is not None and account.environment is not Environment.STRESS:
            state = state.with_price(signal.symbol, signal.price)
        intent = self._intent(state, account, signal, attempt.now)
        if isinstance(intent, RejectReason):
            result = self._rejected(state, account, attempt, intent)
        else:
            result = self._executed(state, account, attempt, intent)
        opened = StateChanges(accounts={account.name: account}, events=opening)
        return replace(result, changes=StateChanges.merged((opened, result.changes)))

    def _account(self, state: EngineState, signal: Signal) -> Account | RejectReason:
        if signal.account in state.replay_accounts:
            return RejectReason.ACCOUNT_IN_REPLAY
        account = state.accounts.get(signal.account)
        if account is not None:
            if signal.environment is not None and signal.environment is not account.environment:
                return RejectReason.ENVIRONMENT_DIFFERS
            return account.in_session(self._sessions.now())
        if len(state.accounts) >= self.config.max_accounts:
            return RejectReason.TOO_MANY_ACCOUNTS
        default = Environment.STRESS if signal.account == STRESS_ACCOUNT else self.config.environment
        environment = signal.environment or default
        is_stress = environment is Environment.STRESS
        balance = self.config.stress_balance if is_stress else self.config.initial_balance
        return Account(signal.account, environment, balance, balance).in_session(self._sessions.now())

    def _intent(
        self, state: EngineState, account: Account, signal: Signal, now: datetime
    ) -> OrderIntent | RejectReason:
        price = signal.price or state.prices.get(signal.symbol)
        intent = order_intent(account, signal, price, self.config)
        if isinstance(intent, RejectReason):
            return RejectReason.HALTED if risk_limits.is_halted(state.control) else intent
        return (
            risk_limits.check(account, signal.symbol, intent, state.control, self.config, now)
            or risk_limits.check_rolling_loss(account, intent, self.config.limits, self._sessions.now())
            or intent
        )

    def _executed(
        self, state: EngineState, account: Account, attempt: _Attempt, intent: OrderIntent
    ) -> ProcessingResult:
        signal = attempt.request.signal
        request = ExecutionRequest(
            id=self._new_id(),
            client_order_id=signal.client_order_id,
            fingerprint=attempt.request.fingerprint,
            strategy=signal.strategy,
            symbol=signal.symbol,
            side=intent.side,
            quantity=intent.quantity,
            price=intent.price,
            protection=Protection() if intent.reduces else Protection(signal.stop_loss, signal.take_profit),
            exit_reason="signal" if intent.reduces else None,
            fault=attempt.request.fault,
        )
        account = risk_limits.with_order_time(account, attempt.now, self.config.limits)
        outcome = self._executor.execute(account, request, attempt.now, attempt.started)
        state = state.with_account(outcome.account)
        if outcome.refusal is None:
            return ProcessingResult(state, outcome.changes, outcome.order)
        result = self._rejected(state, outcome.account, attempt, outcome.refusal, request.id)
        return replace(result, changes=StateChanges.merged((outcome.changes, result.changes)))

    def _rejected(
        self, state: EngineState, account: Account | None, attempt: _Attempt, reason: str, identity: str | None = None
    ) -> ProcessingResult:
        signal = attempt.request.signal
        identity = identity or self._new_id()
        order = Order(
            id=identity,
            client_order_id=signal.client_order_id or identity,
            account=signal.account,
            strategy=signal.strategy,
            symbol=signal.symbol,
            side=_side(account, signal),
            quantity=signal.quantity or Decimal(0),
            status=OrderStatus.REJECTED,
            reason=str(reason),
            environment=self._environment(account, signal),
            created_at=attempt.now,
        )
        event = events.trade_rejected(order, self.config.name, self._clock.monotonic() - attempt.started)
        changes = StateChanges(
            orders=(OrderRecord(order, attempt.request.fingerprint),),
            accounts={} if account is None else {account.name: account},
            events=(event,),
        )
        return ProcessingResult(state, changes, order, str(reason))

    def _environment(self, account: Account | None, signal: Signal) -> Environment:
        return account.environment if account is not None else signal.environment or self.config.environment


def _side(account: Account | None, signal: Signal) -> Side:
    position = account.positions.get(signal.symbol) if account is not None else None
    closes_long = signal.action == "close" and position is not None and position.quantity > 0
    return Side.SELL if closes_long or signal.action in {"sell", "short"} else Side.BUY
