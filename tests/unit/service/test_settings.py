"""Settings and tokens are refused in one sentence that names the variable."""

import traceback

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from seatrial_alerts.settings import AlertsSettings
from seatrial_core.errors import SettingsError
from seatrial_service.auth import Tokens
from seatrial_service.settings import ServiceSettings, clash, require_safe_binding


class ThingsSettings(ServiceSettings):
    """Settings of a made-up service."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_THINGS_")
    port: int = 5999
    pause_seconds: float = Field(1.0, gt=0)


def test_a_bad_value_names_variable_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_THINGS_PAUSE_SECONDS", "-3")

    with pytest.raises(SettingsError) as refused:
        ThingsSettings.load()

    assert "SEATRIAL_THINGS_PAUSE_SECONDS" in str(refused.value)
    assert "-3" in str(refused.value)
    assert "greater than 0" in str(refused.value)


def test_shared_names_carry_no_service_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE_URL", "postgresql://x/y")
    monkeypatch.setenv("SEATRIAL_THINGS_PORT", "6001")

    settings = ThingsSettings.load()

    assert (settings.database_url, settings.direct_url, settings.port) == ("postgresql://x/y", "postgresql://x/y", 6001)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_THINGS_PORT", "")

    assert ThingsSettings.load().port == 5999


@pytest.mark.parametrize("url", ["", "sqlite:///x.db"])
def test_a_missing_or_foreign_database_is_refused_by_name(url: str) -> None:
    with pytest.raises(SettingsError, match="SEATRIAL_DATABASE_URL"):
        ThingsSettings(database_url=url).require_database()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("changeme=admin", "default secret"),
        ("short=admin", "shorter than 16"),
        ("a-long-enough-token=root", "scopes of"),
        ("a-long-enough-token", "must read token=scope"),
    ],
)
def test_default_secrets_and_unknown_scopes_are_refused(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refused:
        Tokens.parse(text)

    assert "a-long-enough-token" not in str(refused.value)


def test_serving_beyond_this_machine_needs_tokens() -> None:
    require_safe_binding("127.0.0.1", Tokens(), "things")
    require_safe_binding("0.0.0.0", Tokens.parse("a-long-enough-token=admin"), "things")

    with pytest.raises(SettingsError, match="SEATRIAL_TOKENS is not set"):
        require_safe_binding("0.0.0.0", Tokens(), "things")


def test_two_names_of_one_setting_may_not_differ() -> None:
    clash({"MONITORING_PORT": "9999", "SEATRIAL_METRICS_PORT": "9999"}, "MONITORING_PORT", "SEATRIAL_METRICS_PORT")

    with pytest.raises(SettingsError, match="MONITORING_PORT=1 and SEATRIAL_METRICS_PORT=2"):
        clash({"MONITORING_PORT": "1", "SEATRIAL_METRICS_PORT": "2"}, "MONITORING_PORT", "SEATRIAL_METRICS_PORT")


PLANTED = "T0000-planted-secret-9"


@pytest.mark.parametrize(
    "variables",
    [
        {"ALERT_WEBHOOK_URL": f"htps://hooks.slack.com/services/{PLANTED}"},
        {"ALERT_WEBHOOK_URL": f"hooks.slack.com/services/{PLANTED}"},
        {"ALERT_WEBHOOK_URL": f"https://[{PLANTED}/"},
        {"SEATRIAL_DATABASE_URL": f"mysql://bob:{PLANTED}@db/x"},
        {"SEATRIAL_TOKENS": PLANTED},
        {"SEATRIAL_TOKENS": f"{PLANTED}=nothing:such"},
    ],
)
def test_a_refused_secret_is_not_quoted(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in {"SEATRIAL_DATABASE_URL": "postgresql://db/x", **variables}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        settings = AlertsSettings.load()
        settings.require_database()
        _ = settings.accepted_tokens

    shown = "".join(traceback.format_exception(refused.value))
    assert PLANTED not in shown
    assert any(name in str(refused.value) for name in variables)
