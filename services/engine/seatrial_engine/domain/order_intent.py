"""Decides which order a signal becomes: side and quantity, or the reason why it becomes none."""

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
    """Why a signal is ignored or an order rejected; the values are public."""

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
    """An order to check and send; `reduces` is true when it makes a position smaller."""

    side: Side
    quantity: Decimal
    price: Decimal
    reduces: bool


def order_intent(
    account: Account, signal: Signal, last_price: Decimal | None, config: EngineConfig
) -> OrderIntent | RejectReason:
    """Return the order of a signal, or why there is none.

    A buy reduces a short position and a sell a long one; otherwise both enter. `close` reduces any position, `cover`
    a short one only; `short` enters, and never reduces a long position.

    Args:
        account: The account that would trade.
        signal: What to trade.
        last_price: The signal's price, else the last price of the symbol; None when neither exists.
        config: Fees, sizing, limits.
    """
    if signal.action == "hold":
        return RejectReason.HOLD
    if last_price is None:
        return RejectReason.NO_PRICE
    position = account.positions.get(signal.symbol)
    quantity = position.quantity if position is not None else ZERO
    match signal.action:
        case "buy":
            reduces = quantity < 0
        case "sell":
            reduces = quantity > 0
        case "close":
            if not quantity:
                return RejectReason.NOTHING_TO_CLOSE
            reduces = True
        case "cover":
            if quantity >= 0:
                return RejectReason.NOTHING_TO_CLOSE
            reduces = True
        case "short":
            if quantity > 0:
                return RejectReason.POSITION_OPEN
            reduces = False
        case _:
            assert_never(signal.action)
    return _reduce(signal, quantity, last_price) if reduces else _enter(account, signal, last_price, config)


def _reduce(signal: Signal, position: Decimal, price: Decimal) -> OrderIntent | RejectReason:
    quantity = signal.quantity or abs(position)
    if quantity > abs(position):
        return RejectReason.EXCEEDS_POSITION
    return OrderIntent(Side.SELL if position > 0 else Side.BUY, quantity, price, reduces=True)


def _enter(account: Account, signal: Signal, price: Decimal, config: EngineConfig) -> OrderIntent | RejectReason:
    side = Side.BUY if signal.action == "buy" else Side.SELL
    if side is Side.SELL and not config.limits.allow_short:
        return RejectReason.SHORT_NOT_ALLOWED if signal.action == "short" else RejectReason.NOTHING_TO_CLOSE
    if not _stops_fit(side, signal, price):
        return RejectReason.BAD_STOP
    if signal.quantity is not None:
        return OrderIntent(side, signal.quantity, price, reduces=False)
    sized = _sized_quantity(account, signal, price, config)
    affordable = account.cash / (_slipped(price, side, config) * (1 + config.fee_rate))
    quantity = rounded_down(min(sized, max(affordable, ZERO)), config.lot_size)
    return OrderIntent(side, quantity, price, reduces=False) if quantity > 0 else RejectReason.NO_SIZE


def _sized_quantity(account: Account, signal: Signal, price: Decimal, config: EngineConfig) -> Decimal:
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
    # A stop must be on the losing side of the price, a target on the winning side; else it would fill at once.
    sign = 1 if side is Side.BUY else -1
    stop_fits = signal.stop_loss is None or (price - signal.stop_loss) * sign > 0
    target_fits = signal.take_profit is None or (signal.take_profit - price) * sign > 0
    return stop_fits and target_fits
