"""backtrader: its fastest documented way (preloaded, run at once); 99 % of the cash in whole units."""

import math

import backtrader as bt
import pandas as pd
from measuring import CASH, DEVIATIONS, FEE, LOOK_BACK, WINDOW, Bars, Facts, Run, serve


class Bracket(bt.Strategy):  # type: ignore[misc]
    params = (("stops", (0.02, 0.04)), ("entry", None), ("rise", 1.0))

    def __init__(self) -> None:
        self.waiting = False
        self.equity: list[float] = []
        self.closed = 0

    def notify_trade(self, trade) -> None:  # type: ignore[no-untyped-def]
        self.closed += trade.isclosed

    def notify_order(self, order) -> None:  # type: ignore[no-untyped-def]
        if order.isbuy() and not order.alive():
            self.waiting = False
        if order.isbuy() and order.status == order.Completed:
            price, (stop, target) = order.executed.price, self.p.stops
            size = order.executed.size
            loss = self.sell(size=size, exectype=bt.Order.Stop, price=price * (1.0 - stop))
            self.sell(size=size, exectype=bt.Order.Limit, price=price * (1.0 + target), oco=loss)

    def enter(self) -> None:
        if not self.position and not self.waiting:
            self.waiting = True
            self.buy(size=math.floor(self.broker.getcash() * 0.99 / self.data.close[0]))

    def next(self) -> None:
        self.equity.append(self.broker.getvalue())
        self.decide()


class Given(Bracket):
    def decide(self) -> None:
        if self.p.entry[len(self) - 1]:
            self.enter()


class Light(Bracket):
    def decide(self) -> None:
        closes = self.data.close
        if len(self) > LOOK_BACK and closes[0] > closes[-LOOK_BACK] * self.p.rise:
            self.enter()


class Window(Bracket):
    def decide(self) -> None:
        if self.position or len(self) < WINDOW:
            return
        closes = self.data.close.get(size=WINDOW)
        mean = sum(closes) / WINDOW
        deviation = math.sqrt(sum((close - mean) ** 2 for close in closes) / WINDOW)
        if closes[-1] < mean - DEVIATIONS * deviation:
            self.enter()


def called(bars: Bars, strategy: type[Bracket]) -> Run:
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame({name: bars[name] for name in names}, index=pd.to_datetime(bars["time"], unit="ms"))
    given = {"stops": tuple(bars["stops"].tolist()), "entry": bars["entry"], "rise": float(bars["rise"][0])}

    def run() -> Facts:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
        cerebro.addstrategy(strategy, **given)
        cerebro.broker.setcash(CASH)
        cerebro.broker.setcommission(commission=FEE)
        done = cerebro.run()[0]
        return {"trades": done.closed, "final": cerebro.broker.getvalue(), "equity_points": len(done.equity)}

    return run


if __name__ == "__main__":
    serve(
        {
            "w1_sim": lambda bars: called(bars, Given),
            "w3_light": lambda bars: called(bars, Light),
            "w3_window": lambda bars: called(bars, Window),
        },
        ["backtrader", "pandas"],
    )
