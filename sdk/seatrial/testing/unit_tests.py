"""The unit tests of a trading bot, in the guide's seven areas: real parts against numbers that can be checked by hand.

Run them with `python -m seatrial.testing.unit_tests` or `unittest.main(module="seatrial.testing.unit_tests")`.
"""

import unittest
from datetime import UTC, datetime
from decimal import Decimal
from math import isnan

from seatrial.testing.exchange import exchange
from seatrial_core import signing
from seatrial_core.clients import ServiceClient
from seatrial_core.clock import ManualClock
from seatrial_core.contracts.orders import TradingState
from seatrial_core.errors import PeerUnreachable, ValidationFailed
from seatrial_engine.domain.changes import StateChanges
from seatrial_engine.domain.config import EngineConfig, RiskLimits
from seatrial_engine.engine import Engine
from seatrial_engine.memory import MemoryStore
from seatrial_trading.quant import indicators, kelly, sizing

# 33 closes that the literature on RSI uses; RSI from index 14 on as TA-Lib 0.8.2 computes it (Wilder's smoothing).
CLOSES = (
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931,
    46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521,
    45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
)  # fmt: skip
RSI = (
    70.532789, 66.318562, 66.549830, 69.406305, 66.355169, 57.974856, 62.929607, 63.257148, 56.059299, 62.377071,
    54.707573, 50.422774, 39.989823, 41.460482, 41.868916, 45.463212, 37.304042, 33.079523, 37.772952,
)  # fmt: skip
# Made with `openssl dgst -sha256 -hmac 'a shared secret'` of the text 1700000000.{"symbol":"BTCUSDT","action":"buy"}
WEBHOOK_SIGNATURE = "sha256=8ef19d8e10533e8bf7dc0fe05c8f4d4bc466102af2c6073833f2f6a0c7329295"
BANDS_AT_19 = (47.119248, 45.410425, 43.701602)


class TradingBotTests(unittest.TestCase):
    """One test or more for each of the guide's areas; nothing is skipped."""

    def test_kelly_criterion_position_sizing(self) -> None:
        """K = W - (1 - W) / R; the bet is what is lost at the stop, halved and capped."""
        for win_rate, payoff, expected in ((0.6, 1.0, 0.2), (0.5, 2.0, 0.25), (0.55, 1.5, 0.25), (0.4, 1.0, -0.2)):
            self.assertAlmostEqual(kelly.kelly(win_rate, payoff).value or 0.0, expected, places=12)
        self.assertEqual(kelly.applied_fraction(0.25), 0.125)
        self.assertEqual(kelly.applied_fraction(0.9), 0.25)
        self.assertEqual(kelly.applied_fraction(-0.2), 0.0)

        history = sizing.ClosedTrades(closed=60, wins=30, losses=30, gain_ratios=1.2, loss_ratios=-0.6)
        situation = sizing.Situation(equity=10_000.0, price=100.0, stop_price=95.0, history=history)
        quantity = sizing.quantity(sizing.parse("kelly:0.5"), situation)
        self.assertAlmostEqual(quantity.value or 0.0, 0.125 * 10_000 / 5, places=9)

    def test_kelly_criterion_bets_nothing_on_a_losing_history(self) -> None:
        """A history that loses in the long run opens no position."""
        history = sizing.ClosedTrades(closed=60, wins=20, losses=40, gain_ratios=0.2, loss_ratios=-0.8)
        situation = sizing.Situation(equity=10_000.0, price=100.0, stop_price=95.0, history=history)
        self.assertIsNone(sizing.quantity(sizing.parse("kelly:0.5"), situation).value)

    def test_rsi_calculation_accuracy(self) -> None:
        """Wilder's RSI equals TA-Lib's on the well-known series, and is unknown before it can be known."""
        values = indicators.rsi(CLOSES, 14)
        self.assertTrue(all(isnan(value) for value in values[:14]))
        for value, expected in zip(values[14:], RSI, strict=True):
            self.assertAlmostEqual(float(value), expected, places=5)

    def test_rsi_calculation_at_its_edges(self) -> None:
        """No move is 50, only gains 100, only losses 0."""
        self.assertEqual(float(indicators.rsi([100.0] * 20)[-1]), 50.0)
        self.assertEqual(float(indicators.rsi([float(price) for price in range(1, 30)])[-1]), 100.0)
        self.assertEqual(float(indicators.rsi([float(price) for price in range(30, 1, -1)])[-1]), 0.0)

    def test_bollinger_bands_calculation(self) -> None:
        """The bands are the mean plus and minus two population deviations of the same twenty closes."""
        upper, middle, lower = indicators.bollinger(CLOSES, 20, 2.0)
        for band, expected in zip((upper, middle, lower), BANDS_AT_19, strict=True):
            self.assertTrue(isnan(band[18]))
            self.assertAlmostEqual(float(band[19]), expected, places=5)
        flat = indicators.bollinger([100.0] * 25, 20, 2.0)
        self.assertEqual([float(band[-1]) for band in flat], [100.0, 100.0, 100.0])

    def test_api_request_handling_retries_what_may_be_repeated(self) -> None:
        """A failing exchange is asked again, at most three times, and only where asking twice is safe."""
        with exchange(503, 503, 200) as asked, ServiceClient("exchange", url=asked.url, token="t" * 16) as client:
            self.assertEqual(client.get("/ticker"), {"ok": True})
            self.assertEqual(asked.requests, ["GET /ticker"] * 3)
        with exchange(503, 200) as asked, ServiceClient("exchange", url=asked.url, token="") as client:
            with self.assertRaises(PeerUnreachable):
                client.post("/orders", {"side": "BUY"})
            self.assertEqual(asked.requests, ["POST /orders"])

    def test_api_request_handling_names_what_went_wrong(self) -> None:
        """A refusal and an exchange that is away are different errors, both with their reason."""
        with exchange(422) as asked, ServiceClient("exchange", url=asked.url, token="") as client:
            with self.assertRaisesRegex(ValidationFailed, "too small"):
                client.get("/orders")
            gone = asked.url
        with (
            ServiceClient("exchange", url=gone, token="", timeout_seconds=0.5, attempts=1) as client,
            self.assertRaisesRegex(PeerUnreachable, "does not answer"),
        ):
            client.get("/orders")

    def test_risk_limits_enforcement(self) -> None:
        """An order that breaks a limit is refused with the limit's name, and a position may always be closed."""
        limits = RiskLimits(max_position_notional=Decimal(3_000), max_open_positions=2, max_orders_per_minute=6)
        engine = _engine(limits)
        self.assertEqual(_reason(engine, "A", "buy", 31), "max_position_notional")
        self.assertEqual(_reason(engine, "A", "buy", 30), None)
        self.assertEqual(_reason(engine, "B", "buy", 10), None)
        self.assertEqual(_reason(engine, "C", "buy", 10), "max_open_positions")
        self.assertEqual(_reason(engine, "A", "sell", 31), "exceeds_position")
        self.assertEqual(_reason(engine, "C", "short", 1), "short_not_allowed")
        self.assertEqual(_reason(engine, "A", "sell", 30), None)
        for _ in range(3):
            self.assertEqual(_reason(engine, "D", "buy", 1), None)
        self.assertEqual(_reason(engine, "D", "buy", 1), "max_order_rate")

    def test_risk_limits_enforcement_after_losses_and_halts(self) -> None:
        """After the day's loss nothing is opened; a halted engine sends nothing; nobody buys without money."""
        engine = _engine(RiskLimits(max_daily_loss_ratio=Decimal("0.05")))
        self.assertEqual(_reason(engine, "A", "buy", 101), "no_cash")
        self.assertEqual(_reason(engine, "A", "buy", 90), None)
        engine.on_prices([("A", Decimal(94))])
        self.assertEqual(_reason(engine, "B", "buy", 1), "max_daily_loss")
        engine.set_control(TradingState.HALTED, "unit tests", "checks the halt")
        self.assertEqual(_reason(engine, "A", "sell", 90), "halted")
        engine.set_control(TradingState.REDUCING, "unit tests", "checks the way out")
        self.assertEqual(_reason(engine, "A", "sell", 90), None)

    def test_database_operations_keep_orders_positions_and_money(self) -> None:
        """What was stored is there again after a restart, to the last digit, and every order once."""
        store = MemoryStore()
        engine = _engine(RiskLimits(), store)
        order = {"symbol": "A", "action": "buy", "quantity": "10", "price": "100", "client_order_id": "one"}
        first, again = engine.process_signal(order), engine.process_signal(order)
        self.assertEqual((first["status"], again["order_id"]), ("filled", first["order_id"]))
        self.assertEqual(engine.process_signal({**order, "quantity": "11"})["reason"], "conflict")
        closed = engine.process_signal({"symbol": "A", "action": "close", "price": "110"})
        self.assertEqual(Decimal(closed["pnl"]), Decimal("97.9"))

        account = _engine(RiskLimits(), store).state.accounts["default"]
        self.assertEqual(account.cash, Decimal(10_000) + Decimal("97.9"))
        self.assertEqual(dict(account.positions), {})
        self.assertEqual(len(store.orders()), 2)
        self.assertEqual([fill.pnl for fill in store.fills()], [None, Decimal("97.9")])

    def test_database_operations_that_fail_change_nothing(self) -> None:
        """An order that could not be stored was never traded."""

        class Full(MemoryStore):
            def commit(self, changes: StateChanges) -> None:
                raise OSError("disk full")

        engine = _engine(RiskLimits(), Full())
        with self.assertRaisesRegex(OSError, "disk full"):
            engine.process_signal({"symbol": "A", "action": "buy", "quantity": "10", "price": "100"})
        self.assertEqual(dict(engine.state.accounts), {})

    def test_webhook_signature_validation(self) -> None:
        """Only the exact body, signed with the secret within five minutes, is accepted."""
        body, now = b'{"symbol":"BTCUSDT","action":"buy"}', 1_700_000_000
        signature = signing.sign("a shared secret", body, now)
        self.assertEqual(signature, WEBHOOK_SIGNATURE)

        def refusal(
            secret: str = "a shared secret", sent: bytes = body, at: str | None = str(now), told: str | None = signature
        ) -> str | None:
            return signing.verify(secret, sent, at, told, now=now + 299)

        self.assertIsNone(refusal())
        self.assertIsNotNone(refusal(secret="another secret"))
        self.assertIsNotNone(refusal(sent=body + b" "))
        self.assertIsNotNone(refusal(at=str(now - 2)))
        self.assertIsNotNone(refusal(at="yesterday"))
        self.assertIsNotNone(refusal(told=signature[:-1]))
        self.assertIsNotNone(refusal(told=None))


def _engine(limits: RiskLimits, store: MemoryStore | None = None) -> Engine:
    clock = ManualClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    return Engine(EngineConfig(limits=limits), store or MemoryStore(), None, clock)


def _reason(engine: Engine, symbol: str, action: str, quantity: int) -> str | None:
    """Return why an order at a price of 100 was refused, or None when it was filled."""
    price = {} if symbol == "A" and action == "sell" else {"price": "100"}
    result = engine.process_signal({"symbol": symbol, "action": action, "quantity": quantity, **price})
    assert result["status"] in {"filled", "rejected"}, result
    return None if result["status"] == "filled" else str(result["reason"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
