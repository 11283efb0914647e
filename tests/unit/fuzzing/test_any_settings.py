"""Settings and configurations of any value are valid or a sentence, never a traceback."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.config.trading_config import TradingConfig
from seatrial.monitoring.watching.options import read as monitor_options
from seatrial_alerts.settings import AlertsSettings
from seatrial_backtest.settings import BacktestSettings
from seatrial_core.errors import SettingsError
from seatrial_engine.settings import EngineSettings
from seatrial_metrics.settings import MetricsSettings
from seatrial_service.settings import ServiceSettings, variables
from seatrial_stress.settings import StressSettings

CLASSES: tuple[type[ServiceSettings], ...] = (
    *(AlertsSettings, BacktestSettings, EngineSettings, MetricsSettings, StressSettings),
)
FEW = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# What an environment can hold: no NUL, and bytes that are no UTF-8 come as lone surrogates of this range.
TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40),
    st.text(st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF), max_size=4),
    st.text("0123456789.,:;/=-+eE[]{}@%?#'\" naiNfIT", max_size=40),
    st.sampled_from(["1e400", "-1e400", "nan", "inf", "9" * 400, "9" * 5_000, "http://[", "http://a:b", "[" * 3_000]),
    st.builds("{}://{}:{}@{}/{}".format, *[st.text("aé:/@[]%?#0 ", max_size=6)] * 5),
)
NUMBERS = st.floats() | st.integers() | st.sampled_from([10**400, -(10**400), True, 2**64])
VALUES: st.SearchStrategy[Any] = st.none() | NUMBERS | TEXTS | st.binary(max_size=4) | st.lists(NUMBERS, max_size=3)
MONITOR_VARIABLES = ("METRICS_UPDATE_INTERVAL", "ALERT_WEBHOOK_URL", "MONITORING_PORT", "SEATRIAL_ENVIRONMENT")
CONFIG_NAMES = [field.name for field in fields(TradingConfig)]


@pytest.mark.parametrize("kind", CLASSES)
@FEW
@given(data=st.data())
def test_any_environment(kind: type[ServiceSettings], data: st.DataObject) -> None:
    names = sorted(variables(kind))
    environment = data.draw(st.dictionaries(st.sampled_from(names), TEXTS, min_size=1, max_size=4))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        try:
            kind.load()
        except SettingsError as error:
            message = str(error)
            assert message.strip()
            assert "Traceback" not in message
            assert len(message) < 20_000


@FEW
@given(st.dictionaries(st.sampled_from(CONFIG_NAMES), VALUES, min_size=1, max_size=4))
def test_any_trading_config(values: Mapping[str, Any]) -> None:
    with suppress(ValueError, TypeError):
        TradingConfig(**values)


@FEW
@given(
    st.dictionaries(
        st.sampled_from(MONITOR_VARIABLES),
        TEXTS,
    )
)
def test_any_environment_of_the_monitor(environment: dict[str, str]) -> None:
    with suppress(ValueError):
        monitor_options(None, environment=environment)
