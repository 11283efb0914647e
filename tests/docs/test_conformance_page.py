"""docs/execution.md: the conformance table is up to date, and every key of a callback's answer is named."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from tests.support.scripts import load_script
from tests.unit.matching.conformance_cases import CASES

from seatrial_backtesting.callback.parsing import ACTIONS, KNOWN_KEYS, ORDER_KINDS
from seatrial_trading.matching.layout import Exit, Rejection
from seatrial_trading.matching.records import REJECTION_TEXTS
from seatrial_trading.quant.sizing import SizingKind

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def conformance_page() -> ModuleType:
    return load_script("conformance_page")


def test_conformance_table_is_up_to_date(conformance_page: ModuleType) -> None:
    text = conformance_page.PAGE.read_text(encoding="utf-8")

    assert conformance_page.filled(text) == text, "docs/execution.md is old: run `make docs`"
    match = conformance_page.MARKED.search(text)
    assert match is not None
    assert re.findall(r"^\| ([A-Z]\d?) \|", match[0], re.MULTILINE) == [case.id for case in CASES]
    assert {"A", "B", "B2", "C", "D", "E", "F", "G", "H", "J", "K"} <= {case.id for case in CASES}
    assert {"T1", "T2", "T3", "L1", "L2", "L3", "L4", "L5", "L6"} <= {case.id for case in CASES}


def test_page_names_every_callback_key_and_every_outcome(conformance_page: ModuleType) -> None:
    text = conformance_page.PAGE.read_text(encoding="utf-8")
    words = [*KNOWN_KEYS, *ACTIONS, "hold", *ORDER_KINDS]
    words += [kind.value for kind in SizingKind]
    words += [reason.name.lower() for reason in Exit if reason]

    assert [word for word in words if not re.search(rf"`{word}(?:`|:)", text)] == []
    assert [REJECTION_TEXTS[r] for r in Rejection if r and REJECTION_TEXTS[r] not in text] == []
