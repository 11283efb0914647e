"""`except Exception` is used only where a loop survives an error or code of the user is called."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BROAD = {"Exception", "BaseException"}

# File -> number of broad excepts, and why they are allowed.
ALLOWED = {
    "shared/service/seatrial_service/loops.py": (2, "the loop class: a loop and a job survive a failed iteration"),
    "shared/service/seatrial_service/requests.py": (1, "the web handler: an unexpected error is a problem document"),
    "sdk/seatrial/thread_loop.py": (1, "the loop class of the SDK's threads"),
    "sdk/seatrial/monitoring/collecting/sender.py": (1, "the sender's loop: an unexpected error must lose no batch"),
    "sdk/seatrial/monitoring/watching/bot_adapter.py": (1, "calls methods of the user's bot"),
    "sdk/seatrial/testing/served_engine.py": (1, "calls the user's engine"),
    "sdk/seatrial/testing/test_runner.py": (1, "the test runner: a test that raises is a failed row of its table"),
    "shared/service/seatrial_service/parsing/child.py": (1, "sends the parser's failure to the service"),
    "shared/backtesting/seatrial_backtesting/callback/runner.py": (1, "calls the user's strategy"),
    "shared/backtesting/seatrial_backtesting/lookahead/subjects.py": (2, "calls the user's strategy"),
    "shared/trading/seatrial_trading/lookahead/checks.py": (2, "calls the user's strategy"),
    "shared/trading/seatrial_trading/lookahead/comparison.py": (1, "calls the user's strategy"),
    "shared/trading/seatrial_trading/lookahead/warm_up.py": (1, "calls the user's strategy"),
}


def broad_handlers(source: str) -> Iterator[int]:
    """Yield the lines that catch every error, except those that raise it again as their last statement."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ExceptHandler() if _is_broad(node.type) and not _raises_again(node):
                yield node.lineno
            case ast.Call() if ast.unparse(node.func).endswith("suppress") and any(map(_is_broad, node.args)):
                yield node.lineno


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_is_broad, caught.elts))
    return caught is None or (isinstance(caught, ast.Name) and caught.id in BROAD)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_every_broad_except_is_listed_with_its_reason() -> None:
    counts = Counter(
        str(path.relative_to(ROOT))
        for folder in ("shared", "services", "sdk")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for _ in broad_handlers(path.read_text(encoding="utf-8"))
    )

    assert counts == {path: number for path, (number, _) in ALLOWED.items()}


def test_a_planted_broad_except_is_found() -> None:
    swallowed = "try:\n    run()\nexcept (ValueError, Exception):\n    pass\n"
    bare = "try:\n    run()\nexcept:\n    pass\n"
    suppressed = "with contextlib.suppress(Exception):\n    run()\n"
    raised_again = "try:\n    run()\nexcept BaseException:\n    close()\n    raise\n"

    assert [list(broad_handlers(text)) for text in (swallowed, bare, suppressed, raised_again)] == [[3], [3], [1], []]
