"""docs/security.md: the table of attacks is up to date, and every test that the page names exists."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from tests.support.scripts import load_script

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def attack_table() -> ModuleType:
    return load_script("attack_table")


def test_table_of_attacks_is_up_to_date(attack_table: ModuleType) -> None:
    text = attack_table.PAGE.read_text(encoding="utf-8")

    assert attack_table.filled(text) == text, "docs/security.md is old: run `make docs`"
    match = attack_table.MARKED.search(text)
    assert match is not None
    assert match[0].count("\n| ") - 2 == len(attack_table.attacks())


def test_every_attack_file_registers_its_tests(attack_table: ModuleType) -> None:
    tests = {(attack.area, attack.test) for attack in attack_table.attacks()}
    written = {
        (path.stem, name)
        for path in attack_table.FOLDER.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert written == tests


def test_every_test_that_the_page_names_exists(attack_table: ModuleType) -> None:
    text = attack_table.PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", text))

    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
