"""backtrader: market orders at the next open for 99 % of the cash at the close, stop and target placed on the fill."""

import math

import backtrader as bt
import pandas as pd
from crosschecking import CASH, FEE, Columns, Rows, answer


class Given(bt.Strategy):  # type: ignore[misc]
    params = (("columns", None),)

    def __init__(self) -> None:
        self.rows: Rows = []
        self.waiting = False
        self.children: list[bt.Order] = []
        self.entered: tuple[int, float, float] | None = None

    def notify_order(self, order) -> None:  # type: ignore[no-untyped-def]
        if order.isbuy() and not order.alive():
            self.waiting = False
        if order.status != order.Completed:
            return
        i, price, size = len(self) - 1, order.executed.price, abs(order.executed.size)
        if order.isbuy():
            self.entered = (i, price, size)
            self._bracket(price, size)
            return
        entry, paid, size = self.entered or (-1, math.nan, math.nan)
        self.rows.append((entry, paid, i, price, size))
        self.entered = None
        for child in self.children:
            self.cancel(child)
        self.children = []

    def next(self) -> None:
        i, columns = len(self) - 1, self.p.columns
        if self.position and columns["leave"][i]:
            self.close()
        elif not self.position and not self.waiting and columns["entry"][i]:
            self.waiting = True
            self.buy(size=math.floor(self.broker.getcash() * 0.99 / self.data.close[0]))

    def _bracket(self, price: float, size: float) -> None:
        stop, target = self.p.columns["stops"]
        if math.isnan(stop):
            return
        loss = self.sell(size=size, exectype=bt.Order.Stop, price=price * (1.0 - stop))
        gain = self.sell(size=size, exectype=bt.Order.Limit, price=price * (1.0 + target), oco=loss)
        self.children = [loss, gain]


def trade(columns: Columns) -> tuple[Rows, float]:
    names = ("open", "high", "low", "close")
    frame = pd.DataFrame({name: columns[name] for name in names}, index=pd.to_datetime(columns["time"], unit="ms"))
    frame["volume"] = 1.0
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Given, columns=columns)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=FEE)
    done = cerebro.run()[0]
    return done.rows, float(cerebro.broker.getvalue())


answer(trade, "backtrader")
