"""The backtesting engine of the guide: a strategy and bars in, a dict of metrics, equity and trades out."""

from typing import Any, Literal

try:
    from seatrial_backtesting.callback.runner import ON_ERROR
    from seatrial_backtesting.data.loader import LoadOptions, load
    from seatrial_backtesting.data.splits import Splits
    from seatrial_backtesting.execution_settings import ExecutionSettings, check_sub_bars
    from seatrial_backtesting.run import run
    from seatrial_backtesting.strategy_ref import StrategyRef, resolve_strategy
except ModuleNotFoundError as missing:
    raise ImportError(
        f"BacktestingEngine needs {missing.name}, which is not installed: pip install 'seatrial[backtest]'",
        name=missing.name,
    ) from missing

from seatrial_core.errors import field_error

# The guide's keys are always numbers: 0.0 for an undefined metric, with the reason in `undefined`.
GUIDE_NUMBERS = (
    "win_rate",
    "total_return",
    "max_drawdown",
    "total_trades",
    "winning_trades",
    "losing_trades",
    "total_pnl",
    "average_win",
    "average_loss",
    "profit_factor",
)
COUNTS = frozenset({"total_trades", "winning_trades", "losing_trades"})


class BacktestingEngine:
    """Backtest a strategy on historical bars with the fill rules of the paper engine.

    Args:
        strategy: `f(historical_data, symbol) -> dict | None`, the name of a registered strategy, or a rule document.
        initial_balance: Initial balance in quote currency, above 0.
        fee: Fee per side as a ratio of the notional; 0.001 is 0.1 %.
        maker_fee: The same for resting limit orders; None means `fee`.
        slippage_bps: Slippage on market and stop fills in basis points.
        size: `fixed:10|notional:1000|equity:1.0|risk:0.01|kelly:0.5|vol:0.1`; None: the size of the rule
            document, else all equity.
        lot, tick: Step of quantity and price, 0 for none.
        min_notional: Smallest notional of an entry in quote currency.
        allow_short: Whether `sell` and `short` may open a short position.
        session: `continuous`, or `auction`: a target beyond which the bar opens is filled at the open.
        intrabar: `worst`, `best` or `nearest`: the assumption where the order of high and low decides; `magnify` uses
            the bars of a shorter interval from `run_backtest(finer=...)`.
        params: Parameters of a registered strategy or rule document.
        on_error: Effect of an exception of the strategy: `raise`, `skip` the bar, or `stop` calling it.
        strict: Whether an invalid answer ends the run instead of being listed in `rejected_signals`.

    Raises:
        ValidationFailed: An argument is not allowed; the message names it.

    Example:
        results = BacktestingEngine(my_strategy, initial_balance=10000).run_backtest(bars, "BTCUSDT")
        print(results["assumptions"], f"{results['win_rate']:.2%}")
    """

    def __init__(
        self,
        strategy: Any,
        initial_balance: float = 10_000,
        *,
        fee: float = 0.001,
        maker_fee: float | None = None,
        slippage_bps: float = 0.0,
        size: str | None = None,
        lot: float = 0.0,
        tick: float = 0.0,
        min_notional: float = 0.0,
        allow_short: bool = False,
        session: Literal["continuous", "auction"] = "continuous",
        intrabar: Literal["worst", "best", "nearest", "magnify"] = "worst",
        params: dict[str, Any] | None = None,
        on_error: Literal["raise", "skip", "stop"] = "raise",
        strict: bool = False,
    ) -> None:
        if on_error not in ON_ERROR:
            raise field_error("on_error", on_error, ", ".join(ON_ERROR))
        self.initial_balance = initial_balance
        self.on_error: Literal["raise", "skip", "stop"] = on_error
        self.strict = strict
        self._strategy: StrategyRef = resolve_strategy(strategy, params)
        self._settings = ExecutionSettings(
            cash=initial_balance,
            fee=fee,
            maker_fee=maker_fee,
            slippage_bps=slippage_bps,
            size=size,
            lot=lot,
            tick=tick,
            min_notional=min_notional,
            allow_short=allow_short,
            session=session,
            intrabar=intrabar,
        )

    def run_backtest(
        self,
        historical_data: Any,
        symbol: str,
        *,
        splits: Splits | None = None,
        on_bad_bar: Literal["reject", "drop"] = "reject",
        timezone: str | None = None,
        finer: Any = None,
    ) -> dict[str, Any]:
        """Run the strategy on bars.

        Args:
            historical_data: A list of dicts, a DataFrame, columns, or the path of a CSV or Parquet file.
            symbol: Symbol of the bars; passed to the strategy.
            splits: By symbol, (first day of the new shares, new shares per old share).
            on_bad_bar: `reject` raises with the bad rows, `drop` leaves them out and counts them.
            timezone: Time zone of timestamps without one; None means UTC.
            finer: Bars of a shorter interval of the same symbol, in the same forms; for `intrabar="magnify"`.

        Returns:
            `assumptions` first, then the guide's keys as numbers, `equity_curve`, `trades`, `undefined` with the
            reason of every metric without a value, and the keys of the result document.

        Raises:
            DataError: The data cannot be read as bars.
            CandleError: Some rows are not valid bars; the error lists them.
            StrategyFailed: The strategy raised and `on_error` is `raise`, or an answer is invalid and `strict` is set.
        """
        check_sub_bars(self._settings.intrabar, finer)
        options = LoadOptions(symbol, splits or {}, on_bad_bar, timezone)
        loaded = load(historical_data, options)
        sub_bars = None if finer is None else load(finer, options)
        result = run(
            loaded.candles,
            self._strategy,
            self._settings,
            data_quality=loaded.data_quality,
            on_error=self.on_error,
            strict=self.strict,
            sub_bars=sub_bars.candles if sub_bars else None,
            sub_bars_quality=sub_bars.data_quality if sub_bars else None,
        )
        figures = result["metrics"]
        guide = {name: _number(name, figures.get(name)) for name in GUIDE_NUMBERS}
        assumptions = result.pop("assumptions")
        return {"assumptions": assumptions, **guide, "equity_curve": list(result["equity"]["value"]), **result}


def _number(name: str, value: float | int | None) -> float | int:
    if name in COUNTS:
        return int(value or 0)
    return float(value or 0.0)
