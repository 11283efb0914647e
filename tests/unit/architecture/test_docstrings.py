"""Private functions have no docstring, and the examples in docstrings give the result that they show."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = [
    *sorted(ROOT.glob("shared/*/seatrial_*")),
    *sorted(ROOT.glob("services/*/seatrial_*")),
    ROOT / "sdk/seatrial",
]
SOURCES = [path for package in PACKAGES for path in sorted(package.rglob("*.py"))]
WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]


def test_private_functions_have_no_docstring() -> None:
    places = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("_")
        and not node.name.endswith("__")
        and ast.get_docstring(node)
    ]

    assert places == []


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_of_a_module_give_what_they_show(path: Path) -> None:
    package = next(package for package in PACKAGES if path.is_relative_to(package))
    module = importlib.import_module(".".join(path.relative_to(package.parent).with_suffix("").parts))

    results = doctest.testmod(module)

    assert results.attempted > 0
    assert results.failed == 0
