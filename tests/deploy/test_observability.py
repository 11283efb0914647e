"""Prometheus' rules and the Grafana dashboard agree with the catalogue and the default rules."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from tests.deploy.programs import need

from seatrial_core.alerting.defaults import default_rules
from seatrial_core.catalog import CATALOG, Kind
from seatrial_core.json_types import Json

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "observability" / "prometheus"
DASHBOARD = ROOT / "observability" / "grafana" / "dashboards" / "trading.json"
PROVISIONING = ROOT / "observability" / "grafana" / "provisioning"
SUBSTITUTES = {"$__rate_interval": "1m", "$strategy": ".*", "$environment": ".*"}
PROMETHEUS_OWN = {"up", "ALERTS"}
HISTOGRAM_SUFFIXES = ("_bucket", "_count", "_sum")


def dashboard() -> Json:
    """Return the committed dashboard."""
    read: Json = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return read


def panels(board: Json) -> list[Json]:
    """Return the panels without the row headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board: Json) -> list[str]:
    """Return every expression of a dashboard with its variables replaced."""
    return [substituted(target["expr"]) for panel in panels(board) for target in panel["targets"]]


def substituted(expression: str) -> str:
    """Return an expression with Grafana's variables replaced."""
    for variable, value in SUBSTITUTES.items():
        expression = expression.replace(variable, value)
    return expression


def names_in(expression: str) -> set[str]:
    """Return the metric names of a parsed expression."""
    return set(_selectors(promql_parser.parse(expression)))


def _selectors(node: object) -> Iterator[str]:
    if isinstance(node, promql_parser.VectorSelector) and node.name:
        yield node.name
    for attribute in ("expr", "lhs", "rhs", "vector_selector"):
        if (child := getattr(node, attribute, None)) is not None:
            yield from _selectors(child)
    for child in getattr(node, "args", None) or []:
        yield from _selectors(child)


def rules() -> list[Json]:
    """Return every rule of the committed file."""
    document = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def unknown_names(asked: set[str]) -> set[str]:
    """Return the names that are neither in the catalogue, nor recording rules, nor built into Prometheus."""
    names = set(CATALOG) | {rule["record"] for rule in rules() if "record" in rule} | PROMETHEUS_OWN
    names |= {f"{m.name}{end}" for m in CATALOG.values() if m.kind is Kind.HISTOGRAM for end in HISTOGRAM_SUFFIXES}
    return asked - names


@pytest.mark.parametrize(("script", "file"), [("prometheus_rules", PROMETHEUS / "rules.yml"), ("dashboard", DASHBOARD)])
def test_committed_file_is_what_the_script_writes(script: str, file: Path) -> None:
    writing = f"import {script}, sys; sys.stdout.write({script}.text())"

    written = subprocess.run(
        [sys.executable, "-c", writing], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    ).stdout

    assert file.read_text(encoding="utf-8") == written, f"run `python scripts/{script}.py` and commit what it writes"


def test_promtool_accepts_configuration_and_rules() -> None:
    promtool = need("promtool", package="prometheus")

    for words in (
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules_test.yml"],
    ):
        ended = subprocess.run([promtool, *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_default_rule_is_a_prometheus_alert() -> None:
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}

    for rule in default_rules():
        assert alerts[rule.name]["labels"]["severity"] == rule.severity.value
        assert alerts[rule.name]["annotations"]["summary"] == rule.summary


def test_every_metric_of_rules_and_dashboard_is_in_the_catalogue() -> None:
    asked = [rule["expr"] for rule in rules()] + expressions(dashboard())

    unknown = {expression: unknown_names(names_in(expression)) for expression in asked}

    assert not any(unknown.values()), unknown
    assert all(names_in(expression) for expression in asked)


def test_renamed_metric_is_reported() -> None:
    renamed = json.loads(DASHBOARD.read_text(encoding="utf-8").replace("trading_portfolio_pnl", "current_profit"))

    unknown = set().union(*(unknown_names(names_in(expression)) for expression in expressions(renamed)))

    assert unknown == {"current_profit"}


def test_every_panel_has_description_unit_and_the_variable_datasource() -> None:
    board = dashboard()
    source = {"type": "prometheus", "uid": "${prom}"}

    assert board["uid"] == "seatrial-trading"
    assert board["editable"] is False
    assert {variable["name"] for variable in board["templating"]["list"]} == {"prom", "strategy", "environment"}
    for panel in panels(board):
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == source, panel["title"]
        assert panel["targets"], panel["title"]
        assert all(target["datasource"] == source for target in panel["targets"]), panel["title"]
    identities = [panel["id"] for panel in panels(board)]
    assert len(set(identities)) == len(identities)


def test_rates_use_grafanas_own_interval_and_counters_are_summed() -> None:
    for panel in panels(dashboard()):
        for target in panel["targets"]:
            assert set(re.findall(r"\[([^]]+)\]", target["expr"])) <= {"$__rate_interval"}, panel["title"]
            assert "rate(" not in target["expr"] or "sum" in target["expr"], panel["title"]


def test_provisioned_datasource_and_dashboards_are_read_only() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "trading.yml").read_text(encoding="utf-8"))["providers"][0]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    volumes = compose["services"]["grafana"]["volumes"]

    (source,) = sources["datasources"]
    assert (source["uid"], source["editable"], source["url"]) == (
        "seatrial-prometheus",
        False,
        "http://prometheus:9090",
    )
    assert (provider["allowUiUpdates"], provider["disableDeletion"]) == (False, True)
    assert any(volume.split(":")[1] == provider["options"]["path"] for volume in volumes)


def test_the_scrape_targets_are_the_services_of_compose() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    configuration = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))

    targets = {
        (target, static["labels"]["service"])
        for job in configuration["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }

    for target, service in targets:
        host, port = target.split(":")
        assert host == service
        assert any(published.endswith(f":{port}") for published in compose[service]["ports"]), target
    built = {name for name, service in compose.items() if "build" in service and "ports" in service}
    assert {service for _, service in targets} == built
