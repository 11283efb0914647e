"""The simulated exchange: fills an order at once at the last price, or injects a fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, assert_never

from seatrial_core.contracts.orders import Side
from seatrial_engine.domain.decimals import BASIS_POINT, rounded

PLACE = "place_order"
FIND = "find_order"
ATTEMPTS = 3


class ExchangeFault(StrEnum):
    """A failure between engine and exchange on one order; with the last three the order is executed all the same."""

    CONNECT_REFUSED = "connect_refused"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    TIMEOUT_EXECUTED = "timeout_executed"
    SERVER_ERROR_EXECUTED = "server_error_executed"
    NAN_BODY = "nan_body"


@dataclass(frozen=True)
class ExchangeOrder:
    """An order as the exchange receives it; a `limit` order fills at its price, any other pays slippage."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    limit: bool = False
    fault: ExchangeFault | None = None


@dataclass(frozen=True)
class ExchangeCall:
    """One call to the exchange and whether it succeeded."""

    endpoint: str
    ok: bool = True


@dataclass(frozen=True)
class Execution:
    """The result of an order: price and fee, or the reason why nothing was executed."""

    calls: Sequence[ExchangeCall]
    price: Decimal | None = None
    fee: Decimal = Decimal(0)
    reason: str | None = None


class Exchange(Protocol):
    """Executes orders; a returned execution is final."""

    def execute(self, order: ExchangeOrder) -> Execution:
        """Execute an order; without a price in the result, it was not executed."""
        ...


@dataclass(frozen=True)
class ImmediateExchange:
    """Fill every order completely, at its price moved by the slippage.

    A call whose answer is lost is followed by a query of the order by its client order id, so that an executed order is
    never sent twice and never lost.

    Args:
        fee_rate: Fee of one side, a ratio of the traded value.
        slippage_bps: Adverse slippage of market and stop orders, in basis points.
    """

    fee_rate: Decimal
    slippage_bps: Decimal = Decimal(0)

    def execute(self, order: ExchangeOrder) -> Execution:
        """Fill the order, or fail by its fault."""
        match order.fault:
            case None:
                return self._filled(order, (ExchangeCall(PLACE),))
            case ExchangeFault.CONNECT_REFUSED | ExchangeFault.TIMEOUT:
                # The query finds no order, and sending it again fails again.
                calls = (ExchangeCall(PLACE, ok=False), ExchangeCall(FIND)) * (ATTEMPTS - 1) + (
                    ExchangeCall(PLACE, ok=False),
                )
                return Execution(calls, reason="exchange_unreachable")
            case ExchangeFault.SERVER_ERROR | ExchangeFault.RATE_LIMITED:
                return self._filled(order, (ExchangeCall(PLACE, ok=False), ExchangeCall(FIND), ExchangeCall(PLACE)))
            case ExchangeFault.TIMEOUT_EXECUTED | ExchangeFault.SERVER_ERROR_EXECUTED | ExchangeFault.NAN_BODY:
                return self._filled(order, (ExchangeCall(PLACE, ok=False), ExchangeCall(FIND)))
            case _:
                assert_never(order.fault)

    def _filled(self, order: ExchangeOrder, calls: Sequence[ExchangeCall]) -> Execution:
        sign = 1 if order.side is Side.BUY else -1
        price = order.price if order.limit else rounded(order.price * (1 + sign * self.slippage_bps * BASIS_POINT))
        if price <= 0:
            return Execution(calls, reason="exchange_refused")
        return Execution(calls, price=price, fee=rounded(order.quantity * price * self.fee_rate))
