"""A result as one page that opens without a network: assumptions first, then figures, charts and trades."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.drawdown import underwater

Json = Mapping[str, Any]  # Any: JSON
MOST_POINTS = 4_000  # of a line; beyond it the lowest and highest of each stretch are drawn
MOST_TRADES = 1_000
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1a2a3a}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border-bottom:1px solid #dde3ea;padding:.2rem .8rem;"
    "text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}.grid{display:flex;gap:3rem;flex-wrap:wrap}"
    "code{font-size:.85em;overflow-wrap:anywhere}"
)


def page(result: Json, candles: Candles) -> str:
    """Return the page as HTML; every text of the user is escaped.

    Args:
        result: The result document.
        candles: The bars it was made of, for the price chart.
    """
    title = escape(f"{result['symbol']}: {result['strategy']['name']}")
    parts = [
        f"<h1>{title}</h1>",
        "<h2>Assumptions</h2>",
        _table(result["assumptions"].items()),
        _notes(result),
        '<h2>Figures</h2><div class="grid">',
        *(_table(column) for column in _columns(_figures(result))),
        "</div>",
        _charts(result, candles),
        "<h2>Data</h2>",
        _table((key, value) for key, value in result["data_quality"].items() if not isinstance(value, list)),
        f"<h2>Trades</h2>{_trades(result['trades'])}",
        f"<p>Manifest <code>{escape(result['manifest']['sha256'])}</code></p>",
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _figures(result: Json) -> list[tuple[str, Any]]:
    undefined = result["undefined"]
    return [
        (name, f"- ({undefined.get(name, 'unknown')})" if value is None else value)
        for name, value in result["metrics"].items()
    ]


def _columns(rows: list[tuple[str, Any]]) -> list[list[tuple[str, Any]]]:
    half = (len(rows) + 1) // 2
    return [rows[:half], rows[half:]]


def _notes(result: Json) -> str:
    bounds = result["bounds"]
    notes = list(result["warnings"])
    if bounds.get("ambiguous_bars"):
        final = bounds["final_equity"]
        notes.append(
            f"{bounds['ambiguous_bars']} ambiguous bars; final equity between {final['low']:,.2f} and "
            f"{final['high']:,.2f} whatever happened inside them"
        )
    return "".join(f"<p>{escape(str(note))}</p>" for note in notes)


def _table(rows: Any) -> str:  # Any: an iterable of pairs
    cells = (f'<tr><td>{escape(str(key))}</td><td class="n">{escape(_text(value))}</td></tr>' for key, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _text(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _charts(result: Json, candles: Candles) -> str:
    from plotly import graph_objects
    from plotly.subplots import make_subplots

    times = np.asarray(result["equity"]["time"], dtype="datetime64[ms]")
    equity = np.asarray(result["equity"]["value"], dtype=np.float64)
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.04, subplot_titles=("Equity", "Drawdown", "Price")
    )
    for row, (stamps, values, name) in enumerate(
        (
            (times, equity, "equity"),
            (times, -underwater(equity) if equity.min() > 0 else np.zeros(len(equity)), "drawdown"),
            (candles.time_ms.astype("datetime64[ms]"), candles.close, "close"),
        ),
        start=1,
    ):
        x, y = _thinned(stamps, values)
        figure.add_trace(graph_objects.Scatter(x=x, y=y, name=name, mode="lines", line={"width": 1}), row=row, col=1)
    for name, key, symbol in (("entry", "entry", "triangle-up"), ("exit", "exit", "x")):
        trades = result["trades"][:MOST_TRADES]
        stamps = candles.time_ms[[trade[f"{key}_index"] for trade in trades]].astype("datetime64[ms]")
        prices = [trade[f"{key}_price"] for trade in trades]
        marks = graph_objects.Scatter(x=stamps, y=prices, name=name, mode="markers", marker={"symbol": symbol})
        figure.add_trace(marks, row=3, col=1)
    figure.update_layout(height=900, template="plotly_white", margin={"l": 60, "r": 20, "t": 40, "b": 40})
    html: str = figure.to_html(full_html=False, include_plotlyjs=True, div_id="charts")
    return html


def _thinned(times: NDArray[Any], values: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    if len(values) <= MOST_POINTS:
        return times, values
    edges = np.linspace(0, len(values), MOST_POINTS // 2 + 1).astype(np.int64)
    kept = {0, len(values) - 1}
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        stretch = values[first:last]
        kept |= {first + int(stretch.argmin()), first + int(stretch.argmax())}
    rows = np.array(sorted(kept))
    return times[rows], values[rows]


def _trades(trades: Sequence[Json]) -> str:
    names = ("id", "side", "entry_time", "entry_price", "exit_time", "exit_price", "quantity", "pnl", "exit_reason")
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(trade[name]))}</td>" for name in names) + "</tr>"
        for trade in trades[:MOST_TRADES]
    )
    more = f"<p>{len(trades) - MOST_TRADES} more in the JSON document.</p>" if len(trades) > MOST_TRADES else ""
    return f"<table><tr>{head}</tr>{rows}</table>{more}"
