"""Draws the charts of a report: equity, drawdown, and the price with the trades."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_core.json_types import JsonMapping
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.drawdown import underwater

MAX_POINTS = 4_000  # per line; longer ones are reduced to the lowest and highest value of each section
MAX_MARKERS = 1_000
INK, RED, GREY, GREEN = "#1f4e8c", "#b3372f", "#6b7785", "#2f7d4f"


def render_charts(result: JsonMapping, candles: Candles) -> str:
    """Return the charts as HTML that needs no network.

    Args:
        result: The result document.
        candles: The bars of the run.
    """
    from plotly import graph_objects
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=3,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.05,
        row_heights=[0.4, 0.2, 0.4],
        subplot_titles=("Equity", "Drawdown", "Price and trades"),
    )
    for row, (times, values, name, colour) in enumerate(_lines(result, candles), start=1):
        x, y = _downsample(times, values)
        shape = {"fill": "tozeroy"} if name == "drawdown" else {}
        line = graph_objects.Scatter(x=x, y=y, name=name, mode="lines", line={"width": 1.2, "color": colour}, **shape)
        figure.add_trace(line, row=row, col=1)
    for mark in _markers(result, candles):
        figure.add_trace(graph_objects.Scatter(mode="markers", **mark), row=3, col=1)
    figure.update_layout(
        height=900,
        template="plotly_white",
        margin={"l": 70, "r": 20, "t": 70, "b": 40},
        legend={"orientation": "h", "y": 1.07, "x": 0},
        hovermode="x",
    )
    figure.update_yaxes(tickformat=".0%", row=2, col=1)
    figure.update_yaxes(tickformat=",", row=1, col=1)
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        div_id="charts",
        config={"displaylogo": False, "responsive": True, "showTips": False},
    )
    return html


def _lines(result: JsonMapping, candles: Candles) -> list[tuple[NDArray[Any], NDArray[np.float64], str, str]]:
    times = np.asarray(result["equity"]["time"], dtype="datetime64[ms]")
    equity = np.asarray(result["equity"]["value"], dtype=np.float64)
    drawn = -underwater(equity) if equity.min() > 0 else np.zeros(len(equity))
    closed = (candles.time_ms + candles.interval_ms).astype("datetime64[ms]")
    return [
        (times, equity, "equity", INK),
        (times, drawn, "drawdown", RED),
        (closed, candles.close, "close", GREY),
    ]


def _markers(result: JsonMapping, candles: Candles) -> list[dict[str, Any]]:  # Any: what Plotly takes
    trades = result["trades"][:MAX_MARKERS]
    kinds = (
        ("long entry", "entry", "triangle-up", GREEN, [trade for trade in trades if trade["side"] == "long"]),
        ("short entry", "entry", "triangle-down", RED, [trade for trade in trades if trade["side"] == "short"]),
        ("exit", "exit", "x-thin-open", INK, trades),
    )
    return [
        {
            "x": candles.time_ms[[trade[f"{end}_index"] for trade in those]].astype("datetime64[ms]"),
            "y": [trade[f"{end}_price"] for trade in those],
            "name": name,
            "text": [f"#{trade['id']} {trade['exit_reason'] if end == 'exit' else trade['side']}" for trade in those],
            "marker": {"symbol": symbol, "size": 8, "color": colour},
        }
        for name, end, symbol, colour, those in kinds
        if those
    ]


def _downsample(times: NDArray[Any], values: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    if len(values) <= MAX_POINTS:
        return times, values
    edges = np.linspace(0, len(values), MAX_POINTS // 2 + 1).astype(np.int64)
    indices = {0, len(values) - 1}
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        section = values[first:last]
        indices |= {first + int(section.argmin()), first + int(section.argmax())}
    rows = np.array(sorted(indices))
    return times[rows], values[rows]
