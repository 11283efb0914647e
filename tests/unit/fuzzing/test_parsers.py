"""Every parser of outside text raises only its documented errors, whatever the text."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seatrial_alerts import rulefile
from seatrial_backtesting.data import splits
from seatrial_core.errors import SeatrialError
from seatrial_engine.domain import signal_parser
from seatrial_metrics import batches
from seatrial_service import cursors, json_body
from seatrial_service.auth import Tokens
from seatrial_service.token_management import parse_lifetime
from seatrial_service.transport.hosts import HostRules
from seatrial_service.transport.origins import OriginRules
from seatrial_stress.locust_ui import form
from seatrial_stress.plans import catalog, targets
from seatrial_trading.quant import sizing
from seatrial_trading.strategy.rules.document_parser import parse_document
from seatrial_trading.strategy.rules.text import read_text

NOW = datetime(2026, 11, 28, tzinfo=UTC)
FEW = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
CHARACTERS = st.characters()  # with lone surrogates and NUL
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=60),
    st.text("0123456789.:,;/=-+eE[]{}\"' TZnaif\x00\ud800", max_size=60),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from([10**400, -(10**400), 2**64]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
DEEP = "[" * 100_000
LONG_NUMBER = '{"name": ' + "9" * 5_000 + "}"
TEXT_PARSERS: tuple[Callable[[str], object], ...] = (
    cursors.parse_sequence,
    cursors.parse_position,
    Tokens.parse,
    HostRules.parse,
    OriginRules.parse,
    parse_lifetime,
    targets.parse_origins,
    form.parse_duration,
    sizing.parse,
    catalog.read_text,
    read_text,
    lambda text: read_text(text, "rules.yaml"),
    lambda text: splits.parse([text]),
    lambda text: batches.read_key(text),
)
SIGNAL_NAMES = [name for names in signal_parser.FIELD_NAMES.values() for name in names]
RULE_NAMES = ["version", "name", "entry", "exit", "indicators", "side", "size", "stop_loss", "gt", "and", "not"]


def raises_only_documented(parse: Callable[[], object]) -> None:
    """Call a parser; any other error than a documented one fails the test."""
    with suppress(SeatrialError):
        parse()


@pytest.mark.parametrize("parse", TEXT_PARSERS)
@FEW
@given(TEXTS)
@example(DEEP)
@example(LONG_NUMBER)
@example("9" * 5_000)
@example("0001-01-01T00:00:00+23:59/a")
def test_text(parse: Callable[[str], object], text: str) -> None:
    raises_only_documented(lambda: parse(text))


@FEW
@given(st.binary(max_size=80) | VALUES.map(lambda value: json.dumps(value).encode()))
@example(DEEP.encode())
@example(LONG_NUMBER.encode())
@example(b'[{"id": "\\ud800", "type": "heartbeat", "occurred_at": "0001-01-01T00:00:00+23:59"}]')
def test_bytes_of_a_body(body: bytes) -> None:
    raises_only_documented(lambda: json_body.parse(body))
    raises_only_documented(lambda: batches.read(body, None, NOW))


@FEW
@given(st.dictionaries(st.sampled_from(SIGNAL_NAMES), VALUES, max_size=8) | VALUES)
def test_signal(fields: Any) -> None:
    raises_only_documented(lambda: signal_parser.read(fields))
    raises_only_documented(lambda: signal_parser.read(fields, strict=True))


@FEW
@given(st.dictionaries(st.sampled_from(RULE_NAMES), VALUES, max_size=8) | VALUES)
def test_rules_document(document: Any) -> None:
    raises_only_documented(lambda: parse_document(document))


@FEW
@given(st.dictionaries(st.sampled_from(["user_count", "host", "run_time"]), st.lists(TEXTS, min_size=1, max_size=2)))
@example({"user_count": ["9" * 5_000]})
def test_load_page_form(fields: dict[str, list[str]]) -> None:
    raises_only_documented(lambda: form.parse({"user_classes": [next(iter(form.PLAN_OF))], **fields}))


@FEW
@given(
    content=st.binary(max_size=80)
    | VALUES.map(lambda value: json.dumps({"alert_thresholds": {"max_drawdown": value}}).encode()),
    name=st.sampled_from(["rules.json", "rules.toml"]),
)
@example(content=DEEP.encode(), name="rules.json")
@example(content=b"a = " + DEEP.encode(), name="rules.toml")
@example(content=b'{"alert_thresholds": {"max_drawdown": NaN}}', name="rules.json")
@example(content=b'{"alert_thresholds": {"api_latency_max": 1' + b"0" * 400 + b"}}", name="rules.json")
def test_rule_file(tmp_path: Path, content: bytes, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    raises_only_documented(lambda: rulefile.load(str(file)))
