"""The result of a signal: an order at the last price, a rejection with its reason, or a field error."""

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.engine.engine_parts import Bench

from seatrial_engine.domain.exchange import ExchangeFault


def test_profit_and_cash_are_exact_to_the_last_digit() -> None:
    bench = Bench(slippage_bps=Decimal(10))

    bought = bench.send("buy", "100", quantity="2")
    sold = bench.send("sell", "110")

    # 2 at 100.1 costs 200.2 + 0.2002; 2 at 109.89 brings 219.78 - 0.21978.
    assert (Decimal(bought["price"]), Decimal(bought["fee"])) == (Decimal("100.1"), Decimal("0.2002"))
    assert Decimal(sold["pnl"]) == Decimal("219.78") - Decimal("200.2") - Decimal("0.2002") - Decimal("0.21978")
    assert bench.cash == Decimal(10_000) + Decimal(sold["pnl"])


def test_cash_is_the_opening_balance_less_what_the_fills_paid() -> None:
    bench = Bench(limits=None)
    for step, action in enumerate(["buy", "buy", "sell", "buy", "close", "buy"]):
        bench.send(action, str(100 + step * 7), quantity="0.123456789" if action == "buy" else None)

    paid = sum((f.quantity * f.price * (1 if f.side == "BUY" else -1) + f.fee for f in bench.store.fills()), Decimal(0))

    assert bench.cash == Decimal(10_000) - paid


def test_default_size_invests_the_equity_less_the_fee() -> None:
    bench = Bench()

    bought = bench.send("buy", "50")

    assert Decimal(bought["quantity"]) == Decimal("199.80019980")
    assert 0 <= bench.cash < Decimal("0.0001")


@pytest.mark.parametrize(
    ("size", "stop", "quantity"),
    [("fixed:3", None, "3"), ("notional:1000", None, "10"), ("risk:0.01", "98", "50"), ("kelly:0.5", "95", "20")],
)
def test_size_of_an_entry(size: str, stop: str | None, quantity: str) -> None:
    bench = Bench()

    bought = bench.send("buy", "100", size=size, stop_loss=stop)

    assert Decimal(bought["quantity"]) == Decimal(quantity)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"price": float("nan")}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": "-1"}, "price"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": float("inf")}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"action": "fly"}, "action"),
        ({"symbol": ""}, "symbol"),
        ({"stop_loss": "abc"}, "stop_loss"),
        ({"size": "huge:1"}, "size"),
        ({"environment": "replay"}, "environment"),
    ],
)
def test_bad_value_is_an_answer_that_names_its_field(fields: dict[str, Any], field: str) -> None:
    bench = Bench()

    answer = bench.engine.process_signal({"symbol": "X", "action": "buy", "price": "1", **fields})

    assert (answer["status"], answer["errors"][0]["field"]) == ("invalid", field)
    assert bench.events == []


def test_field_names_of_tradingview_are_accepted() -> None:
    bench = Bench()
    body = {"ticker": "X", "action": "Buy", "contracts": "2", "price": "420.69", "order_id": "Long", "interval": "5"}

    bought = bench.engine.process_signal(body)
    flat = bench.engine.process_signal({**body, "action": "sell", "contracts": "2", "market_position": "flat"})

    assert (bought["status"], bought["side"], bought["quantity"]) == ("filled", "BUY", "2")
    assert (flat["status"], flat["side"]) == ("filled", "SELL")


@pytest.mark.parametrize(
    ("action", "fields", "reason"),
    [
        ("buy", {"price": None}, "no_price"),
        ("sell", {}, "nothing_to_close"),
        ("close", {}, "nothing_to_close"),
        ("cover", {}, "nothing_to_close"),
        ("short", {}, "short_not_allowed"),
        ("buy", {"stop_loss": "101"}, "bad_stop"),
        ("buy", {"take_profit": "99"}, "bad_stop"),
        ("buy", {"quantity": "101"}, "no_cash"),
    ],
)
def test_rejected_order_has_a_reason_and_an_event(action: str, fields: dict[str, Any], reason: str) -> None:
    bench = Bench()

    answer = bench.send(action, **{"price": "100", **fields})

    assert (answer["status"], answer["reason"]) == ("rejected", reason)
    assert [event["status"] for event in bench.of_type("trade")] == ["rejected"]


def test_hold_makes_no_order() -> None:
    bench = Bench()

    assert bench.send("hold")["status"] == "ignored"
    assert bench.store.orders() == []


def test_order_without_a_price_fills_at_the_last_one() -> None:
    bench = Bench()
    bench.engine.on_prices([("X", Decimal(20))])

    assert bench.send("buy", None, quantity="1")["price"] == "20.00000000"


@pytest.mark.parametrize(
    ("price", "exit_price", "reason"),
    [("97", "97", "stop_loss"), ("98", "98", "stop_loss"), ("105", "104", "take_profit")],
)
def test_position_is_closed_at_its_stop_or_target(price: str, exit_price: str, reason: str) -> None:
    bench = Bench()
    bench.send("buy", quantity="1", stop_loss="98", take_profit="104")

    bench.engine.on_prices([("X", Decimal("99")), ("X", Decimal(price))])

    exit_fill = bench.store.fills()[-1]
    assert (exit_fill.exit_reason, exit_fill.price) == (reason, Decimal(exit_price))
    assert bench.engine.state.accounts["default"].positions == {}


@pytest.mark.parametrize(
    ("fault", "status", "calls"),
    [
        (ExchangeFault.CONNECT_REFUSED, "rejected", 5),
        (ExchangeFault.TIMEOUT, "rejected", 5),
        (ExchangeFault.SERVER_ERROR, "filled", 3),
        (ExchangeFault.TIMEOUT_EXECUTED, "filled", 2),
        (ExchangeFault.NAN_BODY, "filled", 2),
    ],
)
def test_faulty_exchange_fills_an_order_once_or_not_at_all(fault: ExchangeFault, status: str, calls: int) -> None:
    bench = Bench()

    answer = bench.engine.process_signal(
        {"symbol": "X", "action": "buy", "price": "1", "quantity": "1", "account": "stress"}, fault
    )

    assert answer["status"] == status
    assert len(bench.store.fills()) == (status == "filled")
    assert len(bench.of_type("api_call")) == calls
    assert {event["environment"] for event in bench.events} == {"stress"}


def test_core_needs_no_web_database_or_compiler() -> None:
    program = (
        "import sys, seatrial_engine.engine, seatrial_engine.memory;"
        "print(sorted({'fastapi','sqlalchemy','numba','numpy','httpx','psutil'} & set(sys.modules)))"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
