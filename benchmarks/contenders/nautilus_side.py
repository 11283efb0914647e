"""nautilus_trader: bars through its backtest engine, brackets by its order factory; it fills market orders at once."""

from decimal import Decimal

import pandas as pd
from measuring import CASH, DEVIATIONS, FEE, LOOK_BACK, WINDOW, Bars, Facts, Run, serve
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import EUR, USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("BENCH")
DIGITS = 5


def instrument() -> CurrencyPair:
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol("EUR/USD"), VENUE),
        raw_symbol=Symbol("EUR/USD"),
        base_currency=EUR,
        quote_currency=USD,
        price_precision=DIGITS,
        size_precision=0,
        price_increment=Price(1e-5, DIGITS),
        size_increment=Quantity(1, 0),
        maker_fee=Decimal(str(FEE)),
        taker_fee=Decimal(str(FEE)),
        margin_init=Decimal(0),
        margin_maint=Decimal(0),
        ts_event=0,
        ts_init=0,
    )


class Bracket(Strategy):  # type: ignore[misc]
    def __init__(self, pair: CurrencyPair, bar_type: BarType, bars: Bars) -> None:
        super().__init__()
        self.pair, self.bar_type, self.given = pair, bar_type, bars
        self.loss, self.gain = (float(ratio) for ratio in bars["stops"])
        self.rise = float(bars["rise"][0])
        self.seen = 0
        self.closes: list[float] = []
        self.equity: list[float] = []

    def on_start(self) -> None:
        self.subscribe_bars(self.bar_type)

    def on_bar(self, bar: Bar) -> None:
        self.seen += 1
        close = float(bar.close)
        self.closes.append(close)
        if self.wanted(close) and self.portfolio.is_flat(self.pair.id) and not self.cache.orders_open():
            self.enter(close)

    def wanted(self, close: float) -> bool:
        raise NotImplementedError

    def enter(self, close: float) -> None:
        cash = float(self.portfolio.account(VENUE).balance_free(USD))
        orders = self.order_factory.bracket(
            instrument_id=self.pair.id,
            order_side=OrderSide.BUY,
            quantity=Quantity(int(cash * 0.99 / close), 0),
            sl_trigger_price=Price(close * (1.0 - self.loss), DIGITS),
            tp_price=Price(close * (1.0 + self.gain), DIGITS),
            tp_post_only=False,
        )
        self.submit_order_list(orders)


class Given(Bracket):
    def wanted(self, close: float) -> bool:
        return bool(self.given["entry"][self.seen - 1])


class Light(Bracket):
    def wanted(self, close: float) -> bool:
        return self.seen > LOOK_BACK and close > self.closes[-1 - LOOK_BACK] * self.rise


class Window(Bracket):
    def wanted(self, close: float) -> bool:
        if self.seen < WINDOW or not self.portfolio.is_flat(self.pair.id):
            return False
        closes = self.closes[-WINDOW:]
        mean = sum(closes) / WINDOW
        variance = sum((close - mean) ** 2 for close in closes) / WINDOW
        return close < mean - DEVIATIONS * variance**0.5


def called(bars: Bars, strategy: type[Bracket]) -> Run:
    pair = instrument()
    bar_type = BarType.from_str(f"{pair.id}-1-MINUTE-LAST-EXTERNAL")
    index = pd.to_datetime(bars["time"], unit="ms", utc=True)
    frame = pd.DataFrame({name: bars[name] for name in ("open", "high", "low", "close")}, index=index)
    frame = frame.round(DIGITS)
    data = BarDataWrangler(bar_type, pair).process(frame)

    def run() -> Facts:
        engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
        engine.add_venue(VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(CASH, USD)], base_currency=USD)
        engine.add_instrument(pair)
        engine.add_data(data)
        actor = strategy(pair, bar_type, bars)
        engine.add_strategy(actor)
        engine.run()
        trades = len(engine.cache.position_snapshots()) + engine.cache.positions_closed_count()
        final = float(engine.portfolio.account(VENUE).balance_total(USD))
        seen = actor.seen
        engine.dispose()
        return {"trades": trades, "final": final, "bars_seen": seen}

    return run


if __name__ == "__main__":
    serve(
        {
            "w1_sim": lambda bars: called(bars, Given),
            "w3_light": lambda bars: called(bars, Light),
            "w3_window": lambda bars: called(bars, Window),
        },
        ["nautilus_trader", "pandas"],
    )
