"""The Prometheus page of given figures."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from seatrial_core import catalog
from seatrial_metrics.counters import CounterKey, Family
from seatrial_metrics.exposition import LedgerCollector
from seatrial_metrics.figures import EngineFigures, Figures
from seatrial_metrics.settings import MetricsSettings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def page(figures: Figures | None, machine: Callable[[], dict[str, float | None]] = dict, budget: int = 100) -> str:
    """Return the page of figures."""
    settings = MetricsSettings.load(label_budget=budget)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LedgerCollector(lambda: figures, machine, lambda: NOW, settings))
    return generate_latest(registry).decode()


def test_twelve_names_have_help_and_type_before_the_first_reading() -> None:
    text = page(None)

    for metric in catalog.GUIDE_METRICS:
        assert f"# HELP {metric.name} " in text
        assert f"# TYPE {metric.name} {metric.kind}\n" in text


def test_undefined_figure_has_no_sample() -> None:
    lines = page(Figures(as_of=NOW)).splitlines()

    for name in ("current_pnl", "win_rate_percent", "max_drawdown_percent", "daily_pnl", "open_positions"):
        assert not [line for line in lines if line.startswith(name)]


def test_every_family_of_the_page_is_in_the_catalogue() -> None:
    families = {family.name for family in text_string_to_metric_families(page(None))}

    catalogue = {metric.name.removesuffix("_total") for metric in catalog.CATALOG.values() if metric.page == "ledger"}
    assert families == catalogue


def test_hostile_labels_stay_parsable_and_within_the_budget() -> None:
    names = [f'a"\n\\{number}é' * 5 for number in range(5_000)]
    counters = {
        CounterKey("live", Family.API_REQUEST_DURATION, name, part): Decimal(1)
        for name in names
        for part in ("3", "sum")
    }

    text = page(Figures(as_of=NOW, counters=counters), budget=20)

    (family,) = [
        family for family in text_string_to_metric_families(text) if family.name == catalog.API_REQUEST_DURATION.name
    ]
    counts = {sample.labels["endpoint"]: sample.value for sample in family.samples if sample.name.endswith("_count")}
    assert len(counts) == 21
    assert sum(counts.values()) == 5_000
    assert len(text) < 200_000


def test_histogram_is_cumulative_and_ends_with_everything() -> None:
    buckets = {"0": "2", "3": "1", "15": "1", "sum": "61.5"}
    counters = {CounterKey("live", Family.TRADE_DURATION, "", part): Decimal(n) for part, n in buckets.items()}

    text = page(Figures(as_of=NOW, counters=counters))

    assert 'trade_duration_seconds_bucket{le="0.001"} 2.0' in text
    assert 'trade_duration_seconds_bucket{le="60.0"} 3.0' in text
    assert 'trade_duration_seconds_bucket{le="+Inf"} 4.0' in text
    assert "trade_duration_seconds_sum 61.5" in text


def test_engines_machine_is_shown_while_its_sample_is_recent() -> None:
    def figures(received_at: datetime) -> Figures:
        engine = EngineFigures("live", "e", NOW, system_received_at=received_at, cpu_percent=77.0)
        return Figures(as_of=NOW, engines=[engine])

    def own() -> dict[str, float | None]:
        return {"system_cpu_percent": 5.0, "system_memory_percent": 6.0}

    recent = page(figures(NOW - timedelta(seconds=60)), own)
    silent = page(figures(NOW - timedelta(hours=1)), own)

    assert "system_cpu_percent 77.0" in recent
    assert "system_memory_percent 6.0" in recent
    assert "system_cpu_percent 5.0" in silent


def test_age_grows_with_the_clock() -> None:
    assert "metrics_figures_age_seconds 90.0" in page(Figures(as_of=NOW - timedelta(seconds=90)))
