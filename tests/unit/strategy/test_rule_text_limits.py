"""A small rule document that means a very large one is refused at once."""

import time

import pytest

from seatrial_core.errors import ValidationFailed
from seatrial_trading.strategy.rules import read_text

MAX_SECONDS = 5.0
LEVELS = 12


def _aliases(opening: str, closing: str) -> str:
    lines = [
        "a0: &a0 {x: 1, y: 2}",
        *(f"a{n}: &a{n} {opening}{', '.join([f'*a{n - 1}'] * 9)}{closing}" for n in range(1, LEVELS)),
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.yaml", _aliases("[", "]"), "at most 20000 values"),
        ("r.yaml", _aliases("{<<: [", "]}"), "at most 20000 values"),
        ("r.yaml", "a: &a [*a]", "at most 64 levels"),
        ("r.yaml", "[" * 30_000, "not YAML"),
        ("r.yaml", "[" * 70 + "]" * 70, "at most 64 levels"),
        ("r.yaml", "!!bool maybe", "not YAML"),
        ("r.yaml", "!!timestamp never", "not YAML"),
        ("r.yaml", '!!int ""', "not YAML"),
        ("r.yaml", "!!python/object/apply:os.system [id]", "not YAML"),
        ("r.yaml", "x" * 65_537, "at most 65536"),
        ("r.json", "[" * 30_000, "not JSON"),
        ("r.json", "[" * 70 + "]" * 70, "at most 64 levels"),
        ("r.json", "[" + "1," * 30_000 + "1]", "at most 20000 values"),
    ],
    ids=[
        "aliases", "merge_keys", "cycle", "yaml_brackets", "yaml_depth", "bool", "timestamp", "int", "python", "long",
        "json_brackets", "json_depth", "json_values",
    ],
)  # fmt: skip
def test_a_document_that_expands_is_refused_at_once(name: str, text: str, message: str) -> None:
    started = time.monotonic()

    with pytest.raises(ValidationFailed, match=message):
        read_text(text, name)

    assert time.monotonic() - started < MAX_SECONDS


def test_aliases_and_merge_keys_of_an_honest_document_are_read() -> None:
    text = "base: &base {period: 14}\nfast: {<<: *base, source: close}\nslow: *base\n"

    assert read_text(text, "r.yml") == {
        "base": {"period": 14},
        "fast": {"period": 14, "source": "close"},
        "slow": {"period": 14},
    }
