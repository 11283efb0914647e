"""Writes the Grafana dashboard: `python scripts/dashboard.py`; `dashboard_panels.py` has its panels."""

import json
from itertools import count
from pathlib import Path

from dashboard_panels import Panel, rows
from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

from seatrial_core import catalog

FILE = Path(__file__).resolve().parents[1] / "observability" / "grafana" / "dashboards" / "trading.json"
UID = "seatrial-trading"
SOURCE = DataSourceRef(type_val="prometheus", uid="${prom}")
COLUMNS = 24
HEIGHT = 7
INTERVAL_KEYS = ("auto", "auto_count", "auto_min")


def build() -> dashboard.Dashboard:
    """Return the dashboard's builder."""
    board = (
        dashboard.Dashboard("Seatrial: trading")
        .uid(UID)
        .description("Overview of a trading system. Generated; edits in the browser are not kept.")
        .tags(["seatrial", "trading"])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("utc")
        .with_variable(dashboard.DatasourceVariable("prom").label("Prometheus").type("prometheus"))
        .with_variable(
            dashboard.QueryVariable("strategy")
            .label("Strategy")
            .datasource(SOURCE)
            .query(f"label_values({catalog.TRADES.name}, strategy)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .include_all(True)
            .all_value(".*")
            .multi(True)
        )
        .with_variable(
            dashboard.QueryVariable("environment")
            .label("Environment")
            .datasource(SOURCE)
            .query(f"label_values({catalog.LAST_EVENT.name}, environment)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .include_all(True)
            .all_value(".*")
            .multi(True)
        )
        .link(
            dashboard.DashboardLink("Prometheus alerts")
            .type(DashboardLinkType.LINK)
            .url("http://localhost:9090/alerts")
            .target_blank(True)
        )
    )
    numbers = count(1)
    for row in rows():
        board.with_row(dashboard.Row(row.title))
        width = COLUMNS // len(row.panels)
        for panel in row.panels:
            board.with_panel(_build_panel(panel, width).id(next(numbers)))
    return board


def text() -> str:
    """Return the dashboard's JSON."""
    document = json.loads(JSONEncoder().encode(build().build()))
    for variable in document["templating"]["list"]:
        for key in INTERVAL_KEYS:  # the encoder writes them for every kind, Grafana accepts them for intervals only
            variable.pop(key, None)
    return json.dumps(document, sort_keys=True, indent=2) + "\n"


def _build_panel(panel: Panel, width: int) -> stat.Panel | timeseries.Panel:
    drawn: stat.Panel | timeseries.Panel
    if panel.is_single:
        drawn = stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    else:
        drawn = timeseries.Panel().line_width(1).fill_opacity(8)
    drawn.title(panel.title).description(panel.description).unit(panel.unit).datasource(SOURCE)
    drawn.height(4 if panel.is_single else HEIGHT).span(width)
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + number))
        drawn.with_target(target.datasource(SOURCE))
    if panel.limit is not None:
        drawn.thresholds(_limit(panel.limit, panel.below_is_bad))
    return drawn


def _limit(value: float, below_is_bad: bool) -> dashboard.ThresholdsConfig:
    colours = ("red", "green") if below_is_bad else ("green", "red")
    steps = [Threshold(value=None, color=colours[0]), Threshold(value=value, color=colours[1])]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
