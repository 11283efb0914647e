"""Files, headings, metrics, make targets and commands named in the documentation exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from seatrial.cli.main import build
from seatrial_core.catalog import CATALOG

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
METRIC = re.compile(r"`((?:trading|alerts|engine|metrics|stress|backtest|peer)_[a-z0-9_]+)(?:\{[^`]*)?`")
SUFFIX = re.compile(r"_(?:bucket|count|sum)$")
TARGET = re.compile(r"\bmake ([a-z][a-z-]+)")
COMMAND = re.compile(r"(?:^|`)seatrial ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?", re.MULTILINE)
SHOWN = re.compile(r"^(?:\$ )?seatrial ([a-z].*)$", re.MULTILINE)
# Families end in one of these, so a word of another kind (a module, a plan) is not taken for one.
UNITS = (
    "_total",
    "_seconds",
    "_ratio",
    "_percent",
    "_state",
    "_pending",
    "_waiting",
    "_sequence",
    "_matched",
    "_firing",
)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    plain = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(plain)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_metric_target_and_command_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    metrics = {name for name in METRIC.findall(text) if name.endswith(UNITS) or name in CATALOG}
    assert {SUFFIX.sub("", name) for name in metrics} <= set(CATALOG)
    targets = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(TARGET.findall("\n".join(re.findall(r"`[^`]+`|```.*?```", text, re.DOTALL))))
    assert named <= targets, named - targets
    for group, name in COMMAND.findall("\n".join(FENCE.findall(text))):
        groups = commands([])
        assert group in groups, f"{page.name}: no `seatrial {group}`"
        if name and is_group(group):
            assert name in commands([group]), f"{page.name}: no `seatrial {group} {name}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_option_of_a_command_exists(page: Path) -> None:
    for line in SHOWN.findall("\n".join(FENCE.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ")):
        words = line.partition("#")[0].split()
        path = words[: 2 if is_group(words[0]) else 1]
        options = {option for parameter in command(path).params for option in parameter.opts}
        named = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help"}
        assert named <= options, f"{page.name}: `seatrial {' '.join(path)}` has no {named - options}"


def test_retention_of_prometheus_is_what_its_flag_says() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    flag = re.search(r"--storage\.tsdb\.retention\.time=(\d+)d", compose)

    assert flag is not None
    page = " ".join((ROOT / "docs" / "database.md").read_text(encoding="utf-8").split())
    assert f"`--storage.tsdb.retention.time` says: {flag[1]} days in `docker-compose.yml`" in page


def command(words: list[str]) -> Any:  # Any: typer names no public class of both
    """Return a command or group of `seatrial`."""
    node: Any = typer.main.get_command(build(words))
    for word in words:
        node = node.commands[word]
    return node


def is_group(word: str) -> bool:
    """Return whether a command of `seatrial` is a group of commands."""
    return hasattr(command([word]), "commands")


def commands(words: list[str]) -> set[str]:
    """Return the commands of `seatrial`, or of one of its groups."""
    return set(command(words).commands)
