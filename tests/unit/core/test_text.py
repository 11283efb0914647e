"""Text and instants from outside: what is refused, what is normalised, and how it is quoted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from seatrial_core.characters import printable
from seatrial_core.contracts.numbers import AnyInstant, Instant, Money
from seatrial_core.contracts.text import JsonDocument, Prose, Symbol
from seatrial_core.quoting import MAX_QUOTE, quote

SYMBOL = TypeAdapter(Symbol)
PROSE = TypeAdapter(Prose)
ANY_CHARACTER = st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"])


@pytest.mark.parametrize(
    "value", ["A\0B", "\ud800", "a\x1b[31mb", "a\nb", "a\x7f", "a\u202eb", "a\u2066b", "a\u200bb", "\ufeffa", "a\uffff"]
)
def test_a_name_holds_no_control_surrogate_or_invisible_character(value: str) -> None:
    with pytest.raises(ValidationError, match="must not contain"):
        SYMBOL.validate_python(value)


def test_length_counts_code_points_of_the_composed_form() -> None:
    assert SYMBOL.validate_python("e\u0301" * 64) == "\u00e9" * 64
    assert SYMBOL.validate_python("\U0001f600" * 64) == "\U0001f600" * 64
    with pytest.raises(ValidationError, match="at most 64"):
        SYMBOL.validate_python("a" * 65)


def test_prose_keeps_lines_and_joined_emoji() -> None:
    assert PROSE.validate_python("one\r\ntwo\tthree \U0001f469\u200d\U0001f680") == (
        "one\ntwo\tthree \U0001f469\u200d\U0001f680"
    )
    with pytest.raises(ValidationError, match=r"U\+001B"):
        PROSE.validate_python("\x1b[2J")


@given(st.text(ANY_CHARACTER, max_size=80))
def test_an_accepted_text_can_be_stored_and_sent(value: str) -> None:
    try:
        accepted = SYMBOL.validate_python(value)
    except ValidationError:
        return
    assert "\0" not in accepted
    assert accepted.encode().decode() == accepted
    assert SYMBOL.validate_python(accepted) == accepted


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_a_document_holds_every_integer_of_64_bits(value: int) -> None:
    assert TypeAdapter(JsonDocument).validate_python({"a": value}) == {"a": value}


@pytest.mark.parametrize(
    "document",
    [{"a": [float("nan")]}, {"a": 2**63}, {"a": -(2**63) - 1}, {"a": 10**30}, {"a\0": 1}, {"a": {"b": "\ud800"}}],
)
def test_a_document_is_checked_to_its_leaves(document: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(JsonDocument).validate_python(document)


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_outside_the_years_of_utc_is_refused(value: str) -> None:
    for kind in (Instant, AnyInstant):
        with pytest.raises(ValidationError, match="must lie in the years"):
            TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("value", ["1e999999999", "NaN", "Infinity", "1e-400", 1e308, 10**4_000, "1" * 5_000])
def test_money_is_finite_and_of_a_storable_size(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Money).validate_python(value)


@given(st.recursive(st.text(ANY_CHARACTER) | st.floats() | st.integers(), st.lists))
def test_every_refused_value_can_be_quoted(value: object) -> None:
    quoted = quote(value)

    json.dumps(quoted, ensure_ascii=False, allow_nan=False).encode()
    assert not isinstance(quoted, str) or len(quoted) <= MAX_QUOTE + 3


def test_a_deep_or_huge_value_is_quoted_shortly() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(str(quote(deep))) < 50
    assert quote(10**5_000) == "an integer of 16610 bits"
    assert printable("a\x1b\ud800") == "a\\x1b\\ud800"
