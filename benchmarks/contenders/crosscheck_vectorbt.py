"""vectorbt: signals moved one bar on, filled at the open, stops from the fill."""

import warnings

import numpy as np
import pandas as pd
from crosschecking import CASH, FEE, Columns, Rows, answer

warnings.filterwarnings("ignore")
import vectorbt as vbt  # noqa: E402


def trade(columns: Columns) -> tuple[Rows, float]:
    index = pd.to_datetime(columns["time"], unit="ms")
    prices = {name: pd.Series(columns[name], index=index) for name in ("open", "high", "low", "close")}
    stop, target = (None if np.isnan(ratio) else float(ratio) for ratio in columns["stops"])
    portfolio = vbt.Portfolio.from_signals(
        prices["close"],
        entries=np.concatenate(([False], columns["entry"][:-1])),
        exits=np.concatenate(([False], columns["leave"][:-1])),
        open=prices["open"],
        high=prices["high"],
        low=prices["low"],
        price=prices["open"],
        sl_stop=stop,
        tp_stop=target,
        stop_entry_price="fillprice",
        fees=FEE,
        init_cash=CASH,
        freq="1D",
    )
    trades = portfolio.trades.values
    closed = trades[trades["status"] == 1]
    names = ("entry_idx", "entry_price", "exit_idx", "exit_price", "size")
    return [tuple(row[name] for name in names) for row in closed], float(portfolio.final_value())


answer(trade, "vectorbt")
