"""The generated tables of docs/ are up to date and complete."""

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
        assert doc_tables.filled(text) == text, f"{page.name} is old: run python scripts/doc_tables.py (or `make docs`)"


def test_every_setting_metric_table_and_route_has_a_meaning(doc_tables: ModuleType) -> None:
    for name, make in doc_tables.TABLES.items():
        table = make()
        assert not EMPTY_CELL.search(table), f"{name}: a line without a meaning: {EMPTY_CELL.search(table)}"
        assert "None |" not in table, name


def test_only_health_routes_require_no_scope(doc_tables: ModuleType) -> None:
    for service, rows in doc_tables.route_rows().items():
        for route, scope, _ in rows:
            assert scope != "none" or route.startswith("`GET /health/"), f"{service}: {route} is open to everybody"


def test_every_table_with_deleted_rows_has_a_retention(doc_tables: ModuleType) -> None:
    mapped = ((mapper.class_.__name__, mapper.local_table) for mapper in doc_tables.Base.registry.mappers)
    tables = {(table.schema, name): table.fullname for name, table in mapped}  # two schemas may have tables of one name
    deleted_from = set()
    for source in (ROOT / "services").rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        deleted_from |= set(re.findall(r"DELETE FROM (\w+\.\w+)", text))
        schema = source.relative_to(ROOT / "services").parts[0]
        deleted_from |= {tables[schema, name] for name in re.findall(r"\bdelete\((\w+Row)\)", text)}

    assert len(deleted_from) >= 6
    assert deleted_from <= set(doc_tables.KEPT), f"doc_tables.KEPT lacks {deleted_from - set(doc_tables.KEPT)}"


def test_retention_names_only_existing_tables(doc_tables: ModuleType) -> None:
    assert set(doc_tables.KEPT) <= set(doc_tables.Base.metadata.tables)
