"""The settings of the metrics service."""

import pytest

from seatrial_core.errors import SettingsError
from seatrial_metrics.__main__ import load
from seatrial_metrics.settings import MetricsSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine's environment sets."""
    for name in ("SEATRIAL_METRICS_PORT", "MONITORING_PORT", "METRICS_UPDATE_INTERVAL"):
        monkeypatch.delenv(name, raising=False)


def test_port_and_interval_have_the_guides_defaults() -> None:
    settings = MetricsSettings.load()

    assert (settings.port, settings.update_interval_seconds) == (9999, 30.0)


@pytest.mark.parametrize("name", ["SEATRIAL_METRICS_PORT", "MONITORING_PORT"])
def test_either_name_moves_the_port(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "12345")

    assert MetricsSettings.load().port == 12345


def test_two_different_ports_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_METRICS_PORT", "1")
    monkeypatch.setenv("MONITORING_PORT", "2")

    with pytest.raises(SettingsError, match="SEATRIAL_METRICS_PORT=1 and MONITORING_PORT=2"):
        MetricsSettings.load()


@pytest.mark.parametrize("value", ["0", "-1", "soon"])
def test_interval_must_be_a_positive_number(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_UPDATE_INTERVAL", value)

    with pytest.raises(SettingsError, match="METRICS_UPDATE_INTERVAL"):
        MetricsSettings.load()


def test_missing_disk_path_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_METRICS_DISK_PATH", "/nowhere/at/all")

    with pytest.raises(SettingsError, match="SEATRIAL_METRICS_DISK_PATH"):
        load()
