"""Renders a result as one HTML page that opens without a network: assumptions, metrics, charts and trades."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

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
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a2a3a}"
    "h1{margin-bottom:.2rem}h2{margin-top:2rem}"
    "table{border-collapse:collapse;margin:.5rem 0 1rem}td,th{border-bottom:1px solid #dde3ea;padding:.2rem .7rem;"
    "text-align:left;font-weight:normal}thead th{font-weight:600}"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.loss{color:#a12c25}"
    ".grid{display:flex;gap:3rem;flex-wrap:wrap;align-items:flex-start}.wide{overflow-x:auto}"
    ".cards{display:flex;gap:1rem;flex-wrap:wrap;margin:1rem 0}.card{border:1px solid #dde3ea;border-radius:.4rem;"
    "padding:.5rem 1rem}.card b{display:block;font-size:1.3rem}"
    ".note{background:#fff6e0;padding:.4rem .8rem;margin:.3rem 0}"
    "code{font-size:.85em;overflow-wrap:anywhere}"
)


def render_page(result: JsonMapping, candles: Candles) -> str:
    """Return the report as HTML; every text is escaped.

    Args:
        result: The result document.
        candles: The bars of the run, for the price chart.
    """
    title = escape(f"{result['symbol']}: {result['strategy']['name']}")
    quality = {key: value for key, value in result["data_quality"].items() if not isinstance(value, list | Mapping)}
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{escape(_settings(result['strategy']['params']))}</p>",
        f"<h2>Assumptions</h2>{_pairs(_without_none(result['assumptions']).items())}",
        "".join(f'<p class="note">{escape(note)}</p>' for note in _notes(result)),
        f"<h2>Result</h2>{_cards(result)}",
        render_charts(result, candles),
        f'<h2>Comparison</h2><div class="grid">{_compared(result)}{_bounds(result["bounds"])}</div>',
        f'<h2>All metrics</h2><div class="grid">{"".join(_pairs(half) for half in _halves(_metrics(result)))}</div>',
        f"<h2>Data</h2>{_pairs(quality.items())}",
        f"<h2>Trades</h2>{_trades(result['trades'])}",
        _rejections(result),
        f"<p>Manifest <code>{escape(result['manifest']['sha256'])}</code></p>",
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _settings(params: JsonMapping) -> str:
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


def _cards(result: JsonMapping) -> str:
    metrics = result["metrics"]
    shown = [(name, metrics[name]) for name in HEADLINES]
    shown.append(("buy and hold", result["benchmark"]["metrics"]["total_return"]))
    cards = (
        f'<div class="card">{escape(name.replace("_", " "))}<b>'
        f"{escape(_text('total_return' if name == 'buy and hold' else name, value))}</b></div>"
        for name, value in shown
    )
    return f'<div class="cards">{"".join(cards)}</div>'


def _compared(result: JsonMapping) -> str:
    forced, benchmark = result["without_forced_exits"], result["benchmark"]["metrics"]
    columns = [("this run", result["metrics"]), ("buy and hold", benchmark)]
    if forced is not None:
        columns.insert(1, ("last position left open", forced["metrics"]))
    rows = [(name, *(_text(name, metrics[name]) for _, metrics in columns)) for name in benchmark]
    return _table(("", *(name for name, _ in columns)), rows)


def _bounds(bounds: JsonMapping) -> str:
    ends = ("low", "q05", "q50", "q95", "high")
    rows = [
        (name, *(_text(name, bounds[name][end]) for end in ends))
        for name in ("final_equity", "max_drawdown", "win_rate")
    ]
    return _table((f"{bounds['resolutions']} intrabar scenarios", "lowest", "5 %", "50 %", "95 %", "highest"), rows)


def _metrics(result: JsonMapping) -> list[tuple[str, Any]]:
    undefined = result["undefined"]
    return [
        (name, f"- ({undefined.get(name, 'unknown')})" if value is None else value)
        for name, value in result["metrics"].items()
    ]


def _halves(rows: list[tuple[str, Any]]) -> list[list[tuple[str, Any]]]:
    half = (len(rows) + 1) // 2
    return [rows[:half], rows[half:]]


def _trades(trades: Sequence[JsonMapping]) -> str:
    rows = [[_text(name, trade[name]) for name in TRADE_COLUMNS] for trade in trades[:MAX_TRADES]]
    more = f"<p>{len(trades) - MAX_TRADES} more in the JSON document.</p>" if len(trades) > MAX_TRADES else ""
    return (_table(TRADE_COLUMNS, rows) if rows else "<p>None.</p>") + more


def _rejections(result: JsonMapping) -> str:
    counts = result["rejected_counts"]
    if not counts:
        return ""
    first = [
        [str(signal["time"]), str(signal["field"] or ""), signal["reason"]]
        for signal in result["rejected_signals"][:MAX_REJECTIONS]
    ]
    summary = _pairs(counts.items())
    return f"<h2>Decisions without an order</h2>{summary}{_table(('time', 'field', 'reason'), first)}"


def _pairs(rows: Iterable[tuple[str, Any]]) -> str:
    cells = (
        f'<tr><th scope="row">{escape(str(key))}</th><td class="n">{escape(_text(str(key), value))}</td></tr>'
        for key, value in rows
    )
    return f"<table>{''.join(cells)}</table>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    left = [position == 0 or head in TEXTS for position, head in enumerate(heads)]
    head = "".join(
        f'<th scope="col"{"" if is_left else " class=n"}>{escape(name)}</th>'
        for name, is_left in zip(heads, left, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(text, is_left) for text, is_left in zip(row, left, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str, is_left: bool) -> str:
    kind = "" if is_left else ' class="n loss"' if text.startswith("-") and len(text) > 1 else ' class="n"'
    return f"<td{kind}>{escape(text)}</td>"


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
