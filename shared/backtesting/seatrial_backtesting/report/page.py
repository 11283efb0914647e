"""Renders a result as one HTML page that opens without a network: assumptions, metrics, charts and trades."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seatrial_backtesting.report.charts import render_charts
from seatrial_backtesting.result.document import WARNING_TEXTS
from seatrial_core.json_types import JsonMapping
from seatrial_trading.quant.candles import Candles

MAX_TRADES = 1_000
MAX_REJECTIONS = 50
HEADLINES = ("final_equity", "total_return", "max_drawdown", "total_trades", "win_rate", "profit_factor", "sharpe")
PERCENT = frozenset(
    [
        "total_return",
        "cagr",
        "volatility",
        "max_drawdown",
        "intrabar_max_drawdown",
        "win_rate",
        "exposure",
        "mean_notional_ratio",
        "average_win_ratio",
        "average_loss_ratio",
        "value_at_risk_95",
        "conditional_value_at_risk_95",
        "fees_of_gross_profit",
        "probabilistic_sharpe",
        "fee",
        "maker_fee",
        "return_ratio",
        "mae_ratio",
        "mfe_ratio",
        "excess_return",
    ]
)
MONEY = frozenset(
    [
        "initial_equity",
        "final_equity",
        "total_pnl",
        "fees_paid",
        "slippage_paid",
        "turnover",
        "average_win",
        "average_loss",
        "best_trade",
        "worst_trade",
        "expectancy",
        "cash",
        "pnl",
        "fees",
    ]
)
RATIOS = frozenset(["profit_factor", "payoff_ratio", "sharpe", "sortino", "calmar", "sqn"])
TRADE_COLUMNS = [
    "id",
    "side",
    "entry_time",
    "entry_price",
    "exit_time",
    "exit_price",
    "quantity",
    "fees",
    "pnl",
    "return_ratio",
    "mae_ratio",
    "mfe_ratio",
    "bars_held",
    "exit_reason",
]
TEXTS = frozenset(["side", "entry_time", "exit_time", "exit_reason", "reason", "time", "field"])
TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("page.html")


class ReportTable(NamedTuple):
    """A table of the report: the names of its columns, and rows of formatted values."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def render_page(result: JsonMapping, candles: Candles) -> str:
    """Return the report as HTML; every text is escaped.

    Args:
        result: The result document.
        candles: The bars of the run, for the price chart.
    """
    trades = result["trades"]
    quality = {key: value for key, value in result["data_quality"].items() if not isinstance(value, list | Mapping)}
    return TEMPLATE.render(
        title=f"{result['symbol']}: {result['strategy']['name']}",
        params=_params(result["strategy"]["params"]),
        assumptions=_pairs(_without_none(result["assumptions"]).items()),
        notes=_notes(result),
        cards=_cards(result),
        charts=render_charts(result, candles),
        comparison=_comparison(result),
        bounds=_bounds(result["bounds"]),
        metrics=_halves(_pairs(_metrics(result))),
        quality=_pairs(quality.items()),
        trades=_trades(trades[:MAX_TRADES]),
        omitted_trades=max(0, len(trades) - MAX_TRADES),
        rejection_counts=_pairs(result["rejected_counts"].items()),
        rejections=_rejections(result["rejected_signals"][:MAX_REJECTIONS]),
        manifest_sha256=result["manifest"]["sha256"],
        text_columns=TEXTS,
    )


def _params(params: JsonMapping) -> str:
    return ", ".join(f"{name} = {value}" for name, value in params.items())


def _without_none(assumptions: JsonMapping) -> dict[str, Any]:
    return {key: value for key, value in assumptions.items() if value is not None}


def _notes(result: JsonMapping) -> list[str]:
    bounds = result["bounds"]
    notes = [f"{WARNING_TEXTS.get(name, name)}.".capitalize() for name in result["warnings"]]
    if bounds["ambiguous_bars"]:
        final = bounds["final_equity"]
        notes.append(
            f"Ambiguous bars: {bounds['ambiguous_bars']}; the final equity lies between {final['low']:,.2f} and "
            f"{final['high']:,.2f}, depending on the price order inside them."
        )
    return notes


def _cards(result: JsonMapping) -> list[tuple[str, str]]:
    metrics = result["metrics"]
    cards = [(name.replace("_", " "), _text(name, metrics[name])) for name in HEADLINES]
    return [*cards, ("buy and hold", _text("total_return", result["benchmark"]["metrics"]["total_return"]))]


def _comparison(result: JsonMapping) -> ReportTable:
    forced, benchmark = result["without_forced_exits"], result["benchmark"]["metrics"]
    columns = [("this run", result["metrics"]), ("buy and hold", benchmark)]
    if forced is not None:
        columns.insert(1, ("last position left open", forced["metrics"]))
    rows = [[name, *(_text(name, metrics[name]) for _, metrics in columns)] for name in benchmark]
    return ReportTable(["", *(name for name, _ in columns)], rows)


def _bounds(bounds: JsonMapping) -> ReportTable:
    ends = ("low", "q05", "q50", "q95", "high")
    rows = [
        [name, *(_text(name, bounds[name][end]) for end in ends)]
        for name in ("final_equity", "max_drawdown", "win_rate")
    ]
    return ReportTable(
        [f"{bounds['resolutions']} intrabar scenarios", "lowest", "5 %", "50 %", "95 %", "highest"], rows
    )


def _metrics(result: JsonMapping) -> list[tuple[str, Any]]:
    undefined = result["undefined"]
    return [
        (name, f"- ({undefined.get(name, 'unknown')})" if value is None else value)
        for name, value in result["metrics"].items()
    ]


def _halves(rows: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    half = (len(rows) + 1) // 2
    return [rows[:half], rows[half:]]


def _trades(trades: Sequence[JsonMapping]) -> ReportTable:
    return ReportTable(TRADE_COLUMNS, [[_text(name, trade[name]) for name in TRADE_COLUMNS] for trade in trades])


def _rejections(signals: Sequence[JsonMapping]) -> ReportTable:
    rows = [[str(signal["time"]), str(signal["field"] or ""), signal["reason"]] for signal in signals]
    return ReportTable(["time", "field", "reason"], rows)


def _pairs(rows: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(name, _text(name, value)) for name, value in rows]


def _text(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if name in PERCENT:
        return f"{value:,.2%}"
    if name in RATIOS:
        return f"{value:,.3f}"
    return f"{value:,.2f}" if name in MONEY else f"{value:,.6g}"
