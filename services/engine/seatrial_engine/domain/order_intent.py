"""Decides what order a signal becomes: side and quantity, or the reason why it becomes none."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from seatrial_core.contracts.orders import Side, Signal
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.config import EngineConfig
from seatrial_engine.domain.decimals import BASIS_POINT, ZERO, of_float, rounded_down
from seatrial_trading.quant import sizing


class RejectReason(StrEnum):
    """Why a signal or an order is refused; the words are public."""

    HOLD = "hold"
    NO_PRICE = "no_price"
    NO_SIZE = "no_size"
    NO_CASH = "no_cash"
    BAD_STOP = "bad_stop"
    POSITION_OPEN = "position_open"
    NOTHING_TO_CLOSE = "nothing_to_close"
    EXCEEDS_POSITION = "exceeds_position"
    SHORT_NOT_ALLOWED = "short_not_allowed"
    HALTED = "halted"
    REDUCING = "reducing"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    MAX_POSITION_NOTIONAL = "max_position_notional"
    MAX_OPEN_POSITIONS = "max_open_positions"
    MAX_DAILY_LOSS = "max_daily_loss"
    MAX_ORDER_RATE = "max_order_rate"
    TOO_MANY_ACCOUNTS = "too_many_accounts"
    ACCOUNT_IN_REPLAY = "account_in_replay"
    ENVIRONMENT_DIFFERS = "environment_differs"
    EXCHANGE_UNREACHABLE = "exchange_unreachable"
    EXCHANGE_REFUSED = "exchange_refused"


@dataclass(frozen=True)
class OrderIntent:
    """An order to send: `reduces` says that it makes a position smaller."""

    side: Side
    quantity: Decimal
    price: Decimal
    reduces: bool


def order_intent(
    account: Account, signal: Signal, last_price: Decimal | None, config: EngineConfig
) -> OrderIntent | RejectReason:
    """Return the order that a signal means for an account, or why there is none.

    Args:
        account: The account as it stands.
        signal: What is wanted.
        last_price: The signal's price, else the last known one.
        config: Fees, sizing, limits.
    """
    if signal.action == "hold":
        return RejectReason.HOLD
    if last_price is None:
        return RejectReason.NO_PRICE
    held = account.holdings.get(signal.symbol)
    quantity = held.quantity if held is not None else ZERO
    match signal.action:
        case "buy":
            return (
                _reduce(signal, quantity, last_price) if quantity < 0 else _enter(account, signal, last_price, config)
            )
        case "sell":
            return (
                _reduce(signal, quantity, last_price) if quantity > 0 else _enter(account, signal, last_price, config)
            )
        case "close":
            return _reduce(signal, quantity, last_price) if quantity else RejectReason.NOTHING_TO_CLOSE
        case "cover":
            return _reduce(signal, quantity, last_price) if quantity < 0 else RejectReason.NOTHING_TO_CLOSE
        case "short":
            if quantity > 0:
                return RejectReason.POSITION_OPEN
            closes = False
        case _:
            assert_never(signal.action)
    return _reduce(signal, quantity, last_price) if closes else _enter(account, signal, last_price, config)


def _reduce(signal: Signal, held: Decimal, price: Decimal) -> OrderIntent | RejectReason:
    wanted = signal.quantity or abs(held)
    if wanted > abs(held):
        return RejectReason.EXCEEDS_POSITION
    return OrderIntent(Side.SELL if held > 0 else Side.BUY, wanted, price, reduces=True)


def _enter(account: Account, signal: Signal, price: Decimal, config: EngineConfig) -> OrderIntent | RejectReason:
    side = Side.BUY if signal.action == "buy" else Side.SELL
    if side is Side.SELL and not config.limits.allow_short:
        return RejectReason.SHORT_NOT_ALLOWED if signal.action == "short" else RejectReason.NOTHING_TO_CLOSE
    if not _stops_fit(side, signal, price):
        return RejectReason.BAD_STOP
    if signal.quantity is not None:
        return OrderIntent(side, signal.quantity, price, reduces=False)
    wanted = _sized(account, signal, price, config)
    affordable = account.cash / (_slipped(price, side, config) * (1 + config.fee_rate))
    quantity = rounded_down(min(wanted, max(affordable, ZERO)), config.lot_size)
    return OrderIntent(side, quantity, price, reduces=False) if quantity > 0 else RejectReason.NO_SIZE


def _sized(account: Account, signal: Signal, price: Decimal, config: EngineConfig) -> Decimal:
    situation = sizing.Situation(
        equity=float(account.equity),
        price=float(price),
        stop_price=None if signal.stop_loss is None else float(signal.stop_loss),
        history=account.history,
    )
    return of_float(sizing.quantity(sizing.parse(signal.size or config.size), situation).or_zero())


def _slipped(price: Decimal, side: Side, config: EngineConfig) -> Decimal:
    sign = 1 if side is Side.BUY else -1
    return price * (1 + sign * config.slippage_bps * BASIS_POINT)


def _stops_fit(side: Side, signal: Signal, price: Decimal) -> bool:
    """A stop must lie on the losing side of the price, a target on the winning one; else it would fill at once."""
    sign = 1 if side is Side.BUY else -1
    stop_fits = signal.stop_loss is None or (price - signal.stop_loss) * sign > 0
    target_fits = signal.take_profit is None or (signal.take_profit - price) * sign > 0
    return stop_fits and target_fits
