"""No regular expression of ours takes time out of proportion to the length of a hostile text."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.support.hostile_texts import CHARACTERS, MAX_RATIO, slowest_growth

from seatrial import terminal
from seatrial_core import addresses, characters, quoting, redaction, spreadsheet

PACKAGES = (
    "seatrial_core", "seatrial_trading", "seatrial_backtesting", "seatrial_service", "seatrial_metrics",
    "seatrial_alerts", "seatrial_backtest", "seatrial_stress", "seatrial_engine", "seatrial",
)  # fmt: skip
METHODS = ("search", "match", "fullmatch", "sub", "finditer", "findall", "split")
# Applied to pages of this repository only, never to what somebody sends.
OWN_TEXT = {f"seatrial_service.transport.page_policy.INLINE_{kind}" for kind in ("SCRIPT", "STYLE")}
WORD = re.compile(r"[A-Za-z]{3,}(?:://)?")

# Functions that read what others wrote, expressions and loops together.
READERS: dict[str, Callable[[str], object]] = {
    "redact": redaction.redact,
    "terminal.plain": terminal.plain,
    "spreadsheet.cell": spreadsheet.cell,
    "quote": quoting.quote,
    "printable": characters.printable,
    "origin": lambda text: addresses.origin(f"http://{text}"),
}
READ_PIECES = ("a", " ", "postgres://", "cookie:", "-signature:")
READ_LENGTH = 12_000  # beyond the bounds inside the expressions, within which the time may grow faster

Expression = re.Pattern[Any]  # Any: of text or bytes


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        for entry in pkgutil.walk_packages(root.__path__, f"{package}."):
            # A main module runs at import; Locust's changes the sockets of this process.
            if not entry.name.endswith("__main__") and not entry.name.startswith("seatrial_stress.load.scenario"):
                yield importlib.import_module(entry.name)


def _uses() -> dict[str, tuple[Expression, set[str]]]:
    """Return every expression by its name, with the methods that are called on it."""
    uses: dict[str, tuple[Expression, set[str]]] = {}
    names: dict[int, str] = {}
    for module in _modules():
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                methods = {method for method in METHODS if re.search(rf"\b{name}\.{method}\(", source)}
                key = names.setdefault(id(value), f"{module.__name__}.{name}")
                uses.setdefault(key, (value, set()))[1].update(methods)
    return uses


USES = {name: use for name, use in _uses().items() if name not in OWN_TEXT}


def _application(expression: Expression, method: str) -> Callable[[str], object]:
    is_bytes = isinstance(expression.pattern, bytes)
    replacement: Any = b"x" if is_bytes else "x"  # Any: text or bytes

    def apply(text: str) -> object:
        subject: Any = text.encode() if is_bytes else text  # Any: text or bytes
        if method == "sub":
            return expression.sub(replacement, subject)
        if method == "finditer":
            return list(expression.finditer(subject))
        return getattr(expression, method)(subject)

    return apply


@pytest.mark.parametrize("name", USES)
def test_time_grows_with_the_length(name: str) -> None:
    expression, methods = USES[name]
    source = expression.pattern.decode() if isinstance(expression.pattern, bytes) else expression.pattern
    pieces = (*CHARACTERS, *sorted(set(WORD.findall(source))))

    assert methods, f"no call of {name} was found; remove it"
    growths = {method: slowest_growth(_application(expression, method), pieces) for method in methods}

    assert {method: growth for method, growth in growths.items() if growth[0] > MAX_RATIO} == {}


@pytest.mark.parametrize("name", READERS)
def test_time_of_a_reader_grows_with_the_length(name: str) -> None:
    ratio, text = slowest_growth(READERS[name], READ_PIECES, READ_LENGTH)

    assert ratio <= MAX_RATIO, text


def test_expressions_are_compiled_once_where_this_test_finds_them() -> None:
    inline = []
    for module in _modules():
        path = Path(str(module.__file__))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        compiled = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        inline += [
            f"{path.name}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and node not in compiled
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and (node.func.value.id, node.func.attr) in {("re", method) for method in (*METHODS, "compile")}
        ]

    assert inline == []
