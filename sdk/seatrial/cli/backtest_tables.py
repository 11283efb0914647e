"""Prints a backtest for people: what was assumed, what it made, and what to doubt."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from seatrial_backtesting.result.document import WARNING_TEXTS

Json = Mapping[str, Any]  # Any: JSON
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


def show_result(result: Json, console: Console | None = None) -> None:
    """Print a result document."""
    out = console or Console(highlight=False)
    strategy = result["strategy"]
    title = f"{result['symbol']}  {strategy['name']} {_settings(strategy['params'])}".rstrip()
    out.print(title, markup=False)
    out.print(_assumptions(result["assumptions"]))
    out.print(_figures(result["metrics"], result["undefined"]))
    for line in _doubts(result):
        out.print(line, markup=False)
    if result["trades"]:
        out.print(_trades(result["trades"]))


def show_strategies(items: Sequence[Json], console: Console | None = None) -> None:
    """Print the registered strategies."""
    table = Table("strategy", "what it does", "parameters (default)", title="Registered strategies")
    for item in items:
        properties = item["params"].get("properties", {})
        params = ", ".join(f"{name} ({facts.get('default', 'needed')})" for name, facts in properties.items())
        table.add_row(item["name"], item["summary"], params or "none")
    (console or Console()).print(table)


def _assumptions(found: Json) -> Table:
    table = Table("assumed", "", title="Assumptions", title_justify="left")
    slippage = found["slippage_bps"]
    table.add_row("cash", f"{found['cash']:,.2f}")
    table.add_row("fee", f"{found['fee']:.4%} a side" + _maker(found))
    table.add_row("slippage", f"{slippage:g} basis points on market and stop fills")
    table.add_row(
        "size", f"{found['size']}" + (f", lots of {found['lot']:g}" if found["lot"] else ", fractions allowed")
    )
    table.add_row("fill", str(found["fill"]))
    table.add_row("intrabar", _intrabar(found))
    table.add_row("session", str(found["session"]))
    table.add_row("short sales", "allowed" if found["allow_short"] else "not allowed")
    return table


def _intrabar(found: Json) -> str:
    if found["intrabar"] == "magnify":
        return (
            f"bars of {found['finer_interval_ms'] / 1000:g} s inside each bar decide, the worst case where they do not"
        )
    return f"{found['intrabar']} case where the order of high and low decides"


def _maker(found: Json) -> str:
    return "" if found["maker_fee"] == found["fee"] else f", {found['maker_fee']:.4%} for resting limits"


def _figures(metrics: Json, undefined: Json) -> Table:
    table = Table("figure", "value", title="Result", title_justify="left")
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


def _doubts(result: Json) -> list[str]:
    bounds, quality = result["bounds"], result["data_quality"]
    lines = []
    if bounds.get("ambiguous_bars"):
        final = bounds["final_equity"]
        lines.append(
            f"{bounds['ambiguous_bars']} ambiguous bars: the final equity lies between {final['low']:,.2f} and "
            f"{final['high']:,.2f}, whatever happened inside them."
        )
    if (held := result["benchmark"]["metrics"]["total_return"]) is not None:
        lines.append(f"Buying at the first open and holding would have made {held:.2%} at the same costs.")
    forced = result["without_forced_exits"]
    if forced is not None and (won := forced["metrics"]["win_rate"]) is not None:
        lines.append(
            f"One position was closed by the end of the data; without it {forced['metrics']['total_trades']} trades, "
            f"win rate {won:.2%}."
        )
    lines += [f"Note: {WARNING_TEXTS.get(name, name)}." for name in result["warnings"]]
    counted = ", ".join(f"{count} x {reason}" for reason, count in result["rejected_counts"].items())
    if counted:
        lines.append(f"Decisions without an order: {counted}.")
    told = {"dropped": "bad rows dropped", "gaps": "gaps (nothing filled)", "naive_timestamps": "times without a zone"}
    odd = ", ".join(f"{quality[key]} {text}" for key, text in told.items() if quality.get(key))
    if odd:
        lines.append(f"Data: {odd}.")
    return lines


def _trades(trades: Sequence[Json]) -> Table:
    shown = trades[-LAST_TRADES:]
    table = Table(
        "#",
        "side",
        "entry",
        "price",
        "exit",
        "price",
        "pnl",
        "why",
        title=f"Last {len(shown)} trades",
        title_justify="left",
    )
    for row in shown:
        table.add_row(
            str(row["id"]),
            row["side"],
            str(row["entry_time"]),
            f"{row['entry_price']:,.6g}",
            str(row["exit_time"]),
            f"{row['exit_price']:,.6g}",
            f"{row['pnl']:,.2f}",
            row["exit_reason"],
        )
    return table


def _settings(params: Json) -> str:
    return " ".join(f"{name}={value}" for name, value in params.items())
