"""Prints a backtest as tables: assumptions, metrics, warnings and the last trades."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from seatrial.terminal import SafeConsole
from seatrial_backtesting.result.document import WARNING_TEXTS
from seatrial_core.json_types import JsonMapping

MONEY = ("final_equity", "total_pnl", "fees_paid", "average_win", "average_loss", "best_trade", "worst_trade")
RATIOS = ("total_return", "cagr", "max_drawdown", "win_rate", "exposure", "volatility")
NUMBERS = ("sharpe", "sortino", "calmar", "profit_factor", "expectancy", "sqn")
COUNTS = ("total_trades", "winning_trades", "losing_trades")
ORDER = (
    "final_equity",
    "total_return",
    "cagr",
    "max_drawdown",
    *COUNTS,
    "win_rate",
    "profit_factor",
    "average_win",
    "average_loss",
    "expectancy",
    "sharpe",
    "sortino",
    "calmar",
    "volatility",
    "exposure",
    "sqn",
    "fees_paid",
)
LAST_TRADES = 5


def show_result(result: JsonMapping, console: Console | None = None) -> None:
    """Print a result document."""
    out = console or SafeConsole()
    strategy = result["strategy"]
    title = f"{result['symbol']}  {strategy['name']} {_settings(strategy['params'])}".rstrip()
    out.print(title, markup=False)
    out.print(_assumptions(result["assumptions"]))
    out.print(_metrics(result["metrics"], result["undefined"]))
    for line in _warnings(result):
        out.print(line, markup=False)
    if result["trades"]:
        out.print(_trades(result["trades"]))


def show_strategies(items: Sequence[JsonMapping], console: Console | None = None) -> None:
    """Print the registered strategies."""
    table = Table("strategy", "description", "parameters (default)", title="Registered strategies")
    for item in items:
        properties = item["params"].get("properties", {})
        params = ", ".join(f"{name} ({facts.get('default', 'required')})" for name, facts in properties.items())
        table.add_row(item["name"], item["summary"], params or "none")
    (console or SafeConsole()).print(table)


def _assumptions(assumptions: JsonMapping) -> Table:
    table = Table("setting", "value", title="Assumptions", title_justify="left")
    slippage = assumptions["slippage_bps"]
    table.add_row("cash", f"{assumptions['cash']:,.2f}")
    table.add_row("fee", f"{assumptions['fee']:.4%} per side" + _maker(assumptions))
    table.add_row("slippage", f"{slippage:g} basis points on market and stop fills")
    table.add_row(
        "size",
        f"{assumptions['size']}"
        + (f", lots of {assumptions['lot']:g}" if assumptions["lot"] else ", fractions allowed"),
    )
    table.add_row("fill", str(assumptions["fill"]))
    table.add_row("intrabar", _intrabar(assumptions))
    table.add_row("session", str(assumptions["session"]))
    table.add_row("short sales", "allowed" if assumptions["allow_short"] else "not allowed")
    return table


def _intrabar(assumptions: JsonMapping) -> str:
    if assumptions["intrabar"] == "magnify":
        return f"bars of {assumptions['finer_interval_ms'] / 1000:g} s decide; worst case where they do not"
    return f"{assumptions['intrabar']} case where the order of high and low decides"


def _maker(assumptions: JsonMapping) -> str:
    return (
        "" if assumptions["maker_fee"] == assumptions["fee"] else f", {assumptions['maker_fee']:.4%} for limit orders"
    )


def _metrics(metrics: JsonMapping, undefined: JsonMapping) -> Table:
    table = Table("metric", "value", title="Result", title_justify="left")
    table.columns[1].justify = "right"
    for name in ORDER:
        if name in metrics:
            value = metrics[name]
            table.add_row(name, f"- ({undefined.get(name, 'unknown')})" if value is None else _text(name, value))
    return table


def _text(name: str, value: float) -> str:
    if name in COUNTS:
        return f"{value:d}"
    if name in RATIOS:
        return f"{value:.2%}"
    return f"{value:,.2f}" if name in MONEY else f"{value:,.3f}"


def _warnings(result: JsonMapping) -> list[str]:
    bounds, quality = result["bounds"], result["data_quality"]
    lines = []
    if bounds.get("ambiguous_bars"):
        final = bounds["final_equity"]
        lines.append(
            f"{bounds['ambiguous_bars']} ambiguous bars: the final equity lies between {final['low']:,.2f} and "
            f"{final['high']:,.2f}, depending on the price order inside them."
        )
    if (benchmark_return := result["benchmark"]["metrics"]["total_return"]) is not None:
        lines.append(f"Buy and hold from the first open returns {benchmark_return:.2%} at the same costs.")
    forced = result["without_forced_exits"]
    if forced is not None and (win_rate := forced["metrics"]["win_rate"]) is not None:
        lines.append(
            f"One position was closed at the end of the data. Without it: {forced['metrics']['total_trades']} trades, "
            f"win rate {win_rate:.2%}."
        )
    lines += [f"Note: {WARNING_TEXTS.get(name, name)}." for name in result["warnings"]]
    counted = ", ".join(f"{count} x {reason}" for reason, count in result["rejected_counts"].items())
    if counted:
        lines.append(f"Decisions without an order: {counted}.")
    labels = {
        "dropped": "bad rows dropped",
        "gaps": "gaps (not filled)",
        "naive_timestamps": "times without a time zone",
    }
    issues = ", ".join(f"{quality[key]} {text}" for key, text in labels.items() if quality.get(key))
    if issues:
        lines.append(f"Data: {issues}.")
    return lines


def _trades(trades: Sequence[JsonMapping]) -> Table:
    shown = trades[-LAST_TRADES:]
    table = Table(
        Column("#", no_wrap=True),
        Column("side", no_wrap=True),
        Column("entry", overflow="fold"),
        Column("price", no_wrap=True),
        Column("exit", overflow="fold"),
        Column("price", no_wrap=True),
        Column("pnl", no_wrap=True),
        Column("reason", overflow="fold"),
        title=f"Last {len(shown)} trades",
        title_justify="left",
        padding=(0, 1, 0, 0),  # times, prices and profits fit into 80 columns
        pad_edge=False,
    )
    for row in shown:
        table.add_row(
            str(row["id"]),
            row["side"],
            _time(row["entry_time"]),
            f"{row['entry_price']:,.6g}",
            _time(row["exit_time"]),
            f"{row['exit_price']:,.6g}",
            f"{row['pnl']:,.2f}",
            row["exit_reason"],
        )
    return table


def _time(value: object) -> str:
    return str(value).replace("T", " ")  # a narrow terminal wraps at the space


def _settings(params: JsonMapping) -> str:
    return " ".join(f"{name}={value}" for name, value in params.items())
