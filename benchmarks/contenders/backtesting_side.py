"""backtesting.py: one strategy class a workload; `run` computes its figures always. It trades whole units."""

import warnings

import numpy as np
import pandas as pd
from measuring import CASH, DEVIATIONS, FEE, LOOK_BACK, WINDOW, Bars, Facts, Run, serve

warnings.filterwarnings("ignore")
from backtesting import Backtest, Strategy  # noqa: E402
from backtesting import _util as _backtesting_util  # noqa: E402

# Its progress bar is for people; what it costs is not measured.
for module in (_backtesting_util, __import__("backtesting.backtesting", fromlist=["_tqdm"])):
    if hasattr(module, "_tqdm"):
        module._tqdm = lambda sequence, **_: sequence


def frame_of(bars: Bars) -> pd.DataFrame:
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    columns = {theirs: bars[ours] for ours, theirs in names.items()}
    return pd.DataFrame(columns, index=pd.to_datetime(bars["time"], unit="ms"))


def facts_of(stats: pd.Series) -> Facts:
    equity, trades = stats["_equity_curve"]["Equity"], stats["_trades"]
    facts = {"trades": len(trades), "final": float(equity.iloc[-1]), "equity_points": len(equity)}
    return {**facts, "metrics": sum(not str(name).startswith("_") for name in stats.index)}


class Bracket(Strategy):  # type: ignore[misc]
    stops = (0.0, 0.0)

    def init(self) -> None:
        pass

    def enter(self) -> None:
        close, (stop, target) = self.data.Close[-1], self.stops
        self.buy(sl=close * (1.0 - stop), tp=close * (1.0 + target))


def rsi(close: np.ndarray) -> np.ndarray:
    moves = pd.Series(close).diff()
    gain = moves.clip(lower=0.0).ewm(alpha=1 / 14, adjust=False).mean()
    loss = (-moves.clip(upper=0.0)).ewm(alpha=1 / 14, adjust=False).mean()
    strength: np.ndarray = (100.0 * gain / (gain + loss)).to_numpy()
    return strength


def lower_band(close: np.ndarray) -> np.ndarray:
    window = pd.Series(close).rolling(20)
    band: np.ndarray = (window.mean() - 2.0 * window.std(ddof=0)).to_numpy()
    return band


def given(entry: np.ndarray) -> type[Bracket]:
    class Given(Bracket):
        def next(self) -> None:
            if entry[len(self.data) - 1] and not self.position:
                self.enter()

    return Given


class RsiBollinger(Bracket):
    def init(self) -> None:
        self.strength = self.I(rsi, self.data.Close)
        self.lower = self.I(lower_band, self.data.Close)

    def next(self) -> None:
        if self.strength[-1] < 30.0 and self.data.Close[-1] < self.lower[-1] and not self.position:
            self.enter()


def light(rise: float) -> type[Bracket]:
    class Light(Bracket):
        def next(self) -> None:
            closes = self.data.Close
            if len(closes) > LOOK_BACK and closes[-1] > closes[-1 - LOOK_BACK] * rise and not self.position:
                self.enter()

    return Light


class Window(Bracket):
    def next(self) -> None:
        if self.position or len(self.data) < WINDOW:
            return
        closes = np.asarray(self.data.Close[-WINDOW:])
        if closes[-1] < closes.mean() - DEVIATIONS * closes.std():
            self.enter()


def called(bars: Bars, strategy: type[Bracket]) -> Run:
    frame, stops = frame_of(bars), tuple(float(ratio) for ratio in bars["stops"])

    def run() -> Facts:
        made = Backtest(frame, strategy, cash=CASH, commission=FEE, exclusive_orders=False, finalize_trades=True)
        return facts_of(made.run(stops=stops))

    return run


if __name__ == "__main__":
    serve(
        {
            "w1_sim": lambda bars: called(bars, given(bars["entry"])),
            "w1_e2e": lambda bars: called(bars, RsiBollinger),
            "w3_light": lambda bars: called(bars, light(float(bars["rise"][0]))),
            "w3_window": lambda bars: called(bars, Window),
        },
        ["backtesting", "numpy", "pandas"],
    )
