"""The generated tables of docs/ are those of the code, and nothing in them is left without a word."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
EMPTY_CELL = re.compile(r"\|\s*\|\s*$", re.MULTILINE)


@pytest.fixture(scope="module")
def doc_tables() -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location("doc_tables", SCRIPTS / "doc_tables.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


def test_every_generated_table_is_up_to_date(doc_tables: ModuleType) -> None:
    pages = doc_tables.pages()

    assert len(pages) >= 4
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert doc_tables.filled(text) == text, f"{page.name} is old: run `make docs`"


def test_every_setting_metric_table_and_route_has_its_line(doc_tables: ModuleType) -> None:
    for name, make in doc_tables.TABLES.items():
        table = make()
        assert not EMPTY_CELL.search(table), f"{name}: a line without a meaning: {EMPTY_CELL.search(table)}"
        assert "None |" not in table, name


def test_kept_names_only_tables_that_exist(doc_tables: ModuleType) -> None:
    assert set(doc_tables.KEPT) <= set(doc_tables.Base.metadata.tables)
