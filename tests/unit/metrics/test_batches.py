"""Parsing a batch: each event is validated separately."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seatrial_core.errors import SeatrialError
from seatrial_metrics import batches

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = {"id": "1", "type": "trade", "occurred_at": NOW.isoformat(), "side": "buy"}


@dataclass(frozen=True)
class Case:
    """One event that must be rejected."""

    id: str
    event: Any
    code: str
    says: str


CASES = [
    Case("nan", {**GOOD, "price": float("nan")}, "invalid_event", "`price`"),
    Case("infinite", {**GOOD, "duration_seconds": float("inf")}, "invalid_event", "`duration_seconds`"),
    Case("negative price", {**GOOD, "price": -1}, "invalid_event", "must not be negative"),
    Case("negative quantity", {**GOOD, "quantity": "-1"}, "invalid_event", "`quantity` was '-1'"),
    Case("too many digits", {**GOOD, "price": "0." + "1" * 60}, "invalid_event", "`price`"),
    Case("first-year", {**GOOD, "occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_event", "years"),
    Case("last-year", {**GOOD, "occurred_at": "9999-12-31T23:59:59-14:00"}, "invalid_event", "years"),
    Case("surrogate-type", {**GOOD, "type": "\ud800"}, "invalid_event", "it must be one of"),
    Case("nul", {**GOOD, "strategy": "a\0b"}, "invalid_event", "U+0000"),
    Case("lone surrogate", {**GOOD, "strategy": "\ud800"}, "invalid_event", "`strategy`"),
    Case("long id", {**GOOD, "id": "x" * 129}, "invalid_event", "128"),
    Case("naive instant", {**GOOD, "occurred_at": "2026-11-23T12:00:00"}, "invalid_event", "timezone"),
    Case("unknown type", {**GOOD, "type": "trde"}, "invalid_event", "`type`"),
    Case("no type", {"id": "1"}, "invalid_event", "`type`"),
    Case("not an object", 7, "invalid_event", "event"),
    Case("too old", {**GOOD, "occurred_at": (NOW - timedelta(days=36)).isoformat()}, "too_old", "imported=true"),
    Case("future", {**GOOD, "occurred_at": (NOW + timedelta(hours=2)).isoformat()}, "in_the_future", "7200 s"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_invalid_event_is_rejected_and_the_others_are_accepted(case: Case) -> None:
    body = json.dumps([GOOD, case.event, {**GOOD, "id": "2"}]).encode()

    batch = batches.read(body, None, NOW)

    assert [event.id for event in batch.events] == ["1", "2"]
    (rejection,) = batch.rejected
    assert (rejection.index, rejection.code) == (1, case.code)
    assert case.says in rejection.detail
    assert len(rejection.detail) < 400


def test_old_event_is_accepted_if_imported_or_replayed() -> None:
    old = {**GOOD, "occurred_at": "2001-01-01T00:00:00Z"}

    assert not batches.read(json.dumps([old]).encode(), None, NOW, imported=True).rejected
    assert not batches.read(json.dumps([{**old, "environment": "replay"}]).encode(), None, NOW).rejected


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"{", "malformed_json", "not valid JSON"),
        (b"\xff\xfe", "malformed_json", "not valid JSON"),
        (b"[" * 100_000, "malformed_json", "nested 100000 levels deep"),
        (b'{"id": 1}', "validation_failed", "put the event into [ ]"),
        (b"[" + b"1," * 5_000 + b"1]", "body_too_large", "at most 5000"),
    ],
)
def test_body_that_is_no_batch_says_what_to_do(body: bytes, code: str, says: str) -> None:
    with pytest.raises(SeatrialError, match=says.replace("[", r"\[")) as caught:
        batches.read(body, None, NOW)

    assert caught.value.code == code


@pytest.mark.parametrize("header", ["", "engine", "/1", "engine/", "x" * 128 + "/1"])
def test_malformed_batch_header_is_refused(header: str) -> None:
    with pytest.raises(SeatrialError, match="producer/sequence"):
        batches.read_key(header)


def test_producer_may_contain_slashes() -> None:
    assert batches.read_key("host/engine/7") == batches.BatchKey("host/engine", "7")


def test_float_keeps_the_digits_that_were_sent() -> None:
    batch = batches.read(json.dumps([{**GOOD, "price": 0.1}]).encode(), None, NOW)

    (event,) = batch.events
    assert event.model_dump(mode="json")["price"] == "0.1"
