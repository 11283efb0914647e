"""Turns signals, prices and commands into the next state and what it must leave behind; nothing is installed here."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, OrderStatus, Side, Signal, TradingState
from seatrial_core.errors import Conflict
from seatrial_engine.domain import events
from seatrial_engine.domain.account import Account, EngineState, Position, TradingControl
from seatrial_engine.domain.changes import Event, KnownOrder, OrderKey, StateChanges
from seatrial_engine.domain.config import EngineConfig
from seatrial_engine.domain.decimals import EXACT
from seatrial_engine.domain.exchange import Exchange, ExchangeFault
from seatrial_engine.domain.execution import ExecutionRequest, OrderExecutor
from seatrial_engine.domain.fills import Protection
from seatrial_engine.domain.order_intent import OrderIntent, RejectReason, order_intent
from seatrial_engine.domain.risk_limits import RATE_WINDOW, check

STRESS_ACCOUNT = "stress"


@dataclass(frozen=True)
class SignalRequest:
    """A signal to work on, and the fault that its exchange call shall meet."""

    signal: Signal
    fault: ExchangeFault | None = None

    @property
    def fingerprint(self) -> str:
        """Return what two requests have in common that ask for the same."""
        body = self.signal.model_dump(mode="json", exclude={"client_order_id"})
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> OrderKey | None:
        """Return the key under which the order is known, if the sender gave one."""
        identity = self.signal.client_order_id
        return None if identity is None else (self.signal.account, identity)


@dataclass(frozen=True)
class ProcessingResult:
    """The next state, what it leaves behind, and the answer."""

    state: EngineState
    effects: StateChanges = field(default_factory=StateChanges)
    order: Order | None = None
    reason: str | None = None
    repeated: bool = False


class OrderProcessor:
    """Works on one request after the other.

    Args:
        config: How the engine trades.
        exchange: Executes orders.
        clock: The only source of time.
        new_id: Makes identities that were never used before.
        replayed: Tells whether an account belongs to a replay, which signals may not touch.
    """

    def __init__(
        self,
        config: EngineConfig,
        exchange: Exchange,
        clock: Clock,
        new_id: Callable[[], str],
        replayed: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.config = config
        self._dealer = OrderExecutor(config.name, exchange, clock)
        self._clock = clock
        self.new_id = new_id
        self._replayed = replayed

    def signal(
        self, state: EngineState, request: SignalRequest, known: Mapping[OrderKey, KnownOrder]
    ) -> ProcessingResult:
        """Return what a signal changes.

        Raises:
            Conflict: Its client order id belongs to an order that was asked for in other words.
        """
        before = known.get(request.key) if request.key is not None else None
        if before is not None:
            if before.fingerprint != request.fingerprint:
                raise Conflict(
                    f"client_order_id {request.signal.client_order_id!r} is the order {before.order.id}, which was "
                    "asked for with other values; use a new id for a new order"
                )
            return ProcessingResult(state, order=before.order, reason=before.order.reason, repeated=True)
        with localcontext(EXACT):
            return self._signal(state, request)

    def judge(self, state: EngineState, signal: Signal) -> RejectReason | None:
        """Return why an order would be rejected now, or None; nothing is sent and nothing changes."""
        with localcontext(EXACT):
            now = self._clock.now()
            account = self._account(state, signal, now)
            found = account if isinstance(account, RejectReason) else self._planned(state, account, signal, now)
        return found if isinstance(found, RejectReason) else None

    def prices(
        self, state: EngineState, prices: Sequence[tuple[str, Decimal]], account: str | None = None
    ) -> ProcessingResult:
        """Return what prices change: marks, and the positions whose stop or target they reach.

        Args:
            state: The state before.
            prices: Symbols and prices, in order.
            account: The only account that hears of them; None means all.
        """
        with localcontext(EXACT):
            change = ProcessingResult(state)
            for symbol, price in prices:
                change = self._priced(change, symbol, price, account)
            return change

    def control(self, state: EngineState, wanted: TradingState, actor: str, reason: str) -> ProcessingResult:
        """Return the state in which the engine may do what is wanted."""
        control = TradingControl(wanted, actor, reason, self._clock.now())
        return ProcessingResult(replace(state, control=control), StateChanges(control=control))

    def _signal(self, state: EngineState, request: SignalRequest) -> ProcessingResult:
        started, now = self._clock.monotonic(), self._clock.now()
        signal = request.signal
        if signal.action == "hold":
            heard = [] if signal.price is None else [(signal.symbol, signal.price)]
            return replace(self.prices(state, heard, signal.account), reason=RejectReason.HOLD.value)
        account = self._account(state, signal, now)
        if isinstance(account, RejectReason):
            return self._rejected(state, None, request, account, now, started)
        opening: tuple[Event, ...] = ()
        if account.name not in state.accounts:
            opening = (events.opened(account, now, self.config.name, self.config.currency),)
        state = state.with_account(account)
        if signal.price is not None and account.environment is not Environment.STRESS:
            state = state.with_price(signal.symbol, signal.price)
        planned = self._planned(state, account, signal, now)
        begun = StateChanges(accounts={account.name: account}, events=opening)
        if isinstance(planned, RejectReason):
            change = self._rejected(state, account, request, planned, now, started)
        else:
            change = self._executed(state, account, request, planned, now, started)
        return replace(change, effects=begun.then(change.effects))

    def _account(self, state: EngineState, signal: Signal, now: datetime) -> Account | RejectReason:
        if self._replayed(signal.account):
            return RejectReason.ACCOUNT_IN_REPLAY
        found = state.accounts.get(signal.account)
        if found is not None:
            if signal.environment is not None and signal.environment is not found.environment:
                return RejectReason.ENVIRONMENT_DIFFERS
            return found.in_session(now.date())
        if len(state.accounts) >= self.config.most_accounts:
            return RejectReason.TOO_MANY_ACCOUNTS
        usual = Environment.STRESS if signal.account == STRESS_ACCOUNT else self.config.environment
        environment = signal.environment or usual
        stressed = environment is Environment.STRESS
        balance = self.config.stress_balance if stressed else self.config.opening_balance
        return Account(signal.account, environment, balance, balance).in_session(now.date())

    def _planned(
        self, state: EngineState, account: Account, signal: Signal, now: datetime
    ) -> OrderIntent | RejectReason:
        price = signal.price or state.prices.get(signal.symbol)
        planned = order_intent(account, signal, price, self.config)
        if isinstance(planned, RejectReason):
            halted = state.control.state is TradingState.HALTED
            return RejectReason.HALTED if halted else planned
        return check(account, signal.symbol, planned, state.control, self.config, now) or planned

    def _executed(
        self,
        state: EngineState,
        account: Account,
        request: SignalRequest,
        planned: OrderIntent,
        now: datetime,
        started: float,
    ) -> ProcessingResult:
        signal = request.signal
        deal = ExecutionRequest(
            id=self.new_id(),
            client_order_id=signal.client_order_id,
            fingerprint=request.fingerprint,
            strategy=signal.strategy,
            symbol=signal.symbol,
            side=planned.side,
            quantity=planned.quantity,
            price=planned.price,
            protection=Protection() if planned.reduces else Protection(signal.stop_loss, signal.take_profit),
            exit_reason="signal" if planned.reduces else None,
            fault=request.fault,
        )
        dealt = self._dealer.deal(self._counted(account, now), deal, now, started)
        if dealt.refusal is None:
            return ProcessingResult(state.with_account(dealt.account), dealt.effects, dealt.order)
        state = state.with_account(dealt.account)
        change = self._rejected(state, dealt.account, request, dealt.refusal, now, started, deal.id)
        return replace(change, effects=dealt.effects.then(change.effects))

    def _rejected(
        self,
        state: EngineState,
        account: Account | None,
        request: SignalRequest,
        reason: str,
        now: datetime,
        started: float,
        identity: str | None = None,
    ) -> ProcessingResult:
        identity = identity or self.new_id()
        signal = request.signal
        environment = account.environment if account is not None else signal.environment or self.config.environment
        sells = signal.action in {"sell", "short"} or (signal.action == "close" and _is_long(account, signal.symbol))
        row = Order(
            id=identity,
            client_order_id=signal.client_order_id or identity,
            account=signal.account,
            strategy=signal.strategy,
            symbol=signal.symbol,
            side=Side.SELL if sells else Side.BUY,
            quantity=signal.quantity or Decimal(0),
            status=OrderStatus.REJECTED,
            reason=str(reason),
            environment=environment,
            created_at=now,
        )
        accounts = {} if account is None else {account.name: account}
        event = events.refused(row, self.config.name, self._clock.monotonic() - started)
        effects = StateChanges((KnownOrder(row, request.fingerprint),), accounts=accounts, events=(event,))
        return ProcessingResult(state, effects, row, str(reason))

    def _priced(self, change: ProcessingResult, symbol: str, price: Decimal, only: str | None) -> ProcessingResult:
        now = self._clock.now()
        state = change.state if only is not None else change.state.with_price(symbol, price)
        effects = change.effects
        for name, account in state.accounts.items():
            held = account.holdings.get(symbol)
            if held is None or only not in {None, name}:
                continue
            settled, more = self._watched(account.in_session(now.date()).marked(symbol, price), held, price, now)
            state = state.with_account(settled)
            effects = effects.then(more)
        return replace(change, state=state, effects=effects)

    def _watched(self, account: Account, held: Position, price: Decimal, now: datetime) -> tuple[Account, StateChanges]:
        # A stop or target that is reached fills in every trading state: it rests at the exchange.
        exit_reason, level = _reached(held, price)
        identity = self.new_id()
        if exit_reason is None:
            mark = events.marked(account, f"equity:{identity}", now, self.config.name)
            return account, StateChanges(accounts={account.name: account}, events=(mark,))
        deal = ExecutionRequest(
            id=identity,
            strategy=held.strategy,
            symbol=held.symbol,
            side=Side.SELL if held.quantity > 0 else Side.BUY,
            quantity=abs(held.quantity),
            price=level,
            limit=exit_reason == "take_profit",
            exit_reason=exit_reason,
        )
        dealt = self._dealer.deal(account, deal, now, self._clock.monotonic())
        return dealt.account, StateChanges(accounts={account.name: dealt.account}).then(dealt.effects)

    def _counted(self, account: Account, now: datetime) -> Account:
        if self.config.limits.max_orders_per_minute is None:
            return account
        recent = tuple(at for at in account.order_times if now - at < RATE_WINDOW)
        return replace(account, order_times=(*recent, now))


def _reached(held: Position, price: Decimal) -> tuple[str | None, Decimal]:
    """A price beyond the stop fills at the price; one beyond the target at the target, the limit that was set."""
    if held.stop_loss is not None and (held.stop_loss - price) * held.side >= 0:
        return "stop_loss", price
    if held.take_profit is not None and (price - held.take_profit) * held.side >= 0:
        return "take_profit", held.take_profit
    return None, price


def _is_long(account: Account | None, symbol: str) -> bool:
    held = account.holdings.get(symbol) if account is not None else None
    return held is not None and held.quantity > 0
