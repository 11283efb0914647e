"""backtesting.py as it comes: next open, whole units, stops given as prices when the order is placed."""

import warnings

import numpy as np
import pandas as pd
from crosschecking import CASH, FEE, Columns, Rows, answer

warnings.filterwarnings("ignore")
from backtesting import Backtest, Strategy  # noqa: E402


def trade(columns: Columns) -> tuple[Rows, float]:
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close"}
    frame = pd.DataFrame({theirs: columns[ours] for ours, theirs in names.items()})
    frame.index = pd.to_datetime(columns["time"], unit="ms")
    stop, target = columns["stops"]

    class Given(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            i, close = len(self.data) - 1, self.data.Close[-1]
            if self.position and columns["leave"][i]:
                self.position.close()
            elif not self.position and columns["entry"][i]:
                self.buy() if np.isnan(stop) else self.buy(sl=close * (1.0 - stop), tp=close * (1.0 + target))

    stats = Backtest(frame, Given, cash=CASH, commission=FEE, finalize_trades=True).run()
    rows = stats["_trades"][["EntryBar", "EntryPrice", "ExitBar", "ExitPrice", "Size"]]
    ordered = sorted(rows.itertuples(index=False, name=None))
    return ordered, float(stats["_equity_curve"]["Equity"].iloc[-1])


answer(trade, "backtesting")
