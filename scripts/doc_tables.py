"""Writes the tables of docs/ from the code: `python scripts/doc_tables.py` (or `make docs`); a test compares them.

A page has a table between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; NAME is one of `TABLES`.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import container_settings
import write_variable_names
from doc_tables_routes import route_rows, service_of
from env_example import SERVICES, default
from sqlalchemy import Table

import seatrial_service.db.tables  # noqa: F401  # every table joins the metadata
from seatrial_core.catalog import CATALOG, Metric
from seatrial_core.contracts.stress import Verdict
from seatrial_metrics.batches import KEY_DAYS
from seatrial_service.db.base import Base
from seatrial_service.settings import ServiceSettings, variables
from seatrial_stress.checks.verdict import EXIT_CODES, EXIT_TOOL_ERROR

DOCS = Path(__file__).resolve().parents[1] / "docs"
MARKED = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
# Tables whose rows are deleted automatically; rows of any other table stay until you delete them.
KEPT = {
    "metrics.events": "indefinitely, or `SEATRIAL_METRICS_RETENTION_DAYS` (whole days at once)",
    "metrics.clock_skews": f"{KEY_DAYS + 1} days after the last measurement",
    "metrics.conflicts": f"{KEY_DAYS + 1} days after the last repetition",
    "metrics.event_keys": f"{KEY_DAYS + 1} days; keys of money events indefinitely",
    "metrics.batches": f"{KEY_DAYS + 1} days",
    "metrics.activity": "1 day",
    "engine.outbox": "until the metrics service has taken the events",
    "engine.used_signatures": "until the next webhook after 10 minutes",
    "engine.positions": "while the position is open",
    "alerts.rules": "until you delete the rule",
    "alerts.states": "until you delete the rule",
    "alerts.silences": "until you end it before its time; past ones stay",
}
VERDICTS = {
    Verdict.PASS: "every check passed",
    Verdict.FAIL: "the engine missed a limit of the plan",
    Verdict.CONSISTENCY_VIOLATION: "an acknowledged order is missing, duplicated or different in the engine's records",
    Verdict.INCONCLUSIVE: "data that a check needs was missing or too small a sample",
    Verdict.INVALID: "the load differed from the plan, so the results prove nothing",
}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def code(text: object) -> str:
    """Return a text as inline code, or an empty string."""
    return f"`{text}`" if str(text) else ""


def settings() -> str:
    """Return every setting of every service."""
    parts = []
    shared = {name: field for name, field in variables(ServiceSettings).items() if field.validation_alias}
    own = {service_of(cls): {n: f for n, f in variables(cls).items() if n not in shared} for cls in SERVICES}
    for service, fields in {"All services": shared, **own}.items():
        rows = [(code(name), code(default(field)), field.description) for name, field in fields.items()]
        parts.append(f"### {service}\n\n" + table(("Variable", "Default", "Meaning"), rows))
    return "\n".join(parts)


def metric_families() -> str:
    """Return every metric of the catalogue, by page."""
    pages: dict[str, list[Metric]] = {}
    for metric in CATALOG.values():
        pages.setdefault(page_of(metric), []).append(metric)
    head = ("Metric", "Type", "Labels", "Unit", "Meaning")
    return "\n".join(
        f"### {page}\n\n"
        + table(head, [(code(m.name), m.kind, ", ".join(map(code, m.page_labels)), m.unit, m.help) for m in metrics])
        for page, metrics in pages.items()
    )


def page_of(metric: Metric) -> str:
    """Return the page that Prometheus scrapes for a metric."""
    if metric.page == "ledger":
        return "The ledger: metrics service, `/metrics`"
    if metric.service == "metrics":
        return "The metrics service's own: `/metrics/process`"
    return "Every service's own page" if metric.service == "all" else f"The {metric.service} service's own: `/metrics`"


def database() -> str:
    """Return every table with its columns and how long its rows are kept."""
    docstrings = {mapper.local_table: inspect.getdoc(mapper.class_) or "" for mapper in Base.registry.mappers}
    schemas: dict[str, list[Table]] = {}
    for sql_table in Base.metadata.sorted_tables:
        schemas.setdefault(str(sql_table.schema), []).append(sql_table)
    parts = []
    for schema, tables in sorted(schemas.items()):
        rows = [
            (
                code(sql_table.name),
                docstrings[sql_table].splitlines()[0],
                ", ".join(map(code, sql_table.columns.keys())),
                retention(sql_table),
            )
            for sql_table in sorted(tables, key=lambda sql_table: sql_table.name)
        ]
        parts.append(f"### Schema `{schema}`\n\n" + table(("Table", "A row is", "Columns", "Kept"), rows))
    return "\n".join(parts)


def retention(sql_table: Table) -> str:
    """Return how long a table's rows are kept."""
    return KEPT.get(sql_table.fullname, "until you delete it")


def routes() -> str:
    """Return every route of every service with the scope it requires."""
    head = ("Route", "Scope", "What it does")
    return "\n".join(f"### {service}\n\n" + table(head, rows) for service, rows in route_rows().items())


def verdicts() -> str:
    """Return the exit codes of a stress run."""
    rows = [(EXIT_CODES[verdict], code(verdict), meaning) for verdict, meaning in VERDICTS.items()]
    rows.append((EXIT_TOOL_ERROR, "", "no verdict: a wrong option, or the run itself failed"))
    return table(("Exit code", "Verdict", "Meaning"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "metrics": metric_families,
    "database": database,
    "routes": routes,
    "verdicts": verdicts,
}


def filled(page: str) -> str:
    """Return a page with its generated parts regenerated."""
    return MARKED.sub(lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n{match[3]}", page)


def pages() -> list[Path]:
    """Return the pages that have a generated part."""
    return [page for page in sorted(DOCS.rglob("*.md")) if MARKED.search(page.read_text(encoding="utf-8"))]


def main() -> int:
    """Rewrite every page, the list of known variables and the settings in docker-compose.yml."""
    container_settings.main()
    write_variable_names.TARGET.write_text(write_variable_names.text(), encoding="utf-8")
    for page in pages():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{page.relative_to(DOCS.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
