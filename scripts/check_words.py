"""Lists words and names that HOUSE keeps out of code, docs and messages: `python scripts/check_words.py [PATH...]`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Old or literary words with a plain one in the field; the reader should not need a dictionary.
WORDS = (
    "anew", "tell", "tells", "told", "telling", "settle", "settles", "settled", "settling", "resettle", "resettled",
    "nobody", "whoever", "wish", "wishes", "wished", "hear", "hears", "heard", "beside", "stands", "doorbell", "ring",
    "rings", "farewell", "nought", "shall", "whosoever", "naught", "thereof", "hence", "thus", "yonder", "hitherto",
)  # fmt: skip
PHRASES = ("of its own", "came of", "come of", "comes of", "became of", "becomes of", "become of", "for ever")
NAMES = frozenset({"found", "said", "told", "held", "known", "wanted", "chosen", "each"})
# Fields of published JSON that cannot be renamed.
PUBLIC_FIELDS = frozenset({"said", "found"})
LIMITS = re.compile(r"\b(?:MOST|FEWEST|LONGEST|SHORTEST|LEAST)_[A-Z]\w*")
WORD = re.compile(rf"(?<![A-Za-z`'-])(?:{'|'.join(WORDS)})(?![A-Za-z`'-])", re.IGNORECASE)
PHRASE = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b", re.IGNORECASE)
SUFFIXES = frozenset({".py", ".md", ".yml", ".yaml", ".toml", ".sh", ".example"})
# The list of words itself and its test, generated numbers, and the owner's words that are quoted.
SKIPPED = (
    "scripts/check_words.py",
    "tests/unit/architecture/test_words.py",
    "benchmarks/results/",
    "requirements",
    "LICENSE",
    "benchmarks/locks/",
)
# A word with another meaning in the field, or a public name that cannot change.
ALLOWED = (
    re.compile(r"\bT\+1 settlement\b"),
    re.compile(r"""["'`]nobody["'`]"""),
    re.compile(r"""["']told["']: results"""),  # a key inside stored hashes
    re.compile(r"\bkey ring\b|\bring buffer\b"),
    re.compile(r"\bsettled_after\b"),  # a key of the lookahead report
)


def files(paths: list[str]) -> Iterator[Path]:
    """Yield the tracked text files under paths, or all of them."""
    listing = subprocess.run(  # nosec B607 # git as the developer has it
        ["git", "ls-files", "-co", "--exclude-standard", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listing.stdout.splitlines():
        path = ROOT / name
        is_text = path.suffix in SUFFIXES or path.name in {"Makefile", "Dockerfile", "run"}
        if is_text and path.exists() and not name.startswith(SKIPPED) and not name.endswith("requirements.txt"):
            yield path


def problems(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line numbers and what stands there that should not."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        plain = line
        for allowed in ALLOWED:
            plain = allowed.sub("", plain)
        if path.suffix == ".py":
            plain = plain.replace("_", " ")
        for match in [*WORD.finditer(plain), *PHRASE.finditer(plain), *LIMITS.finditer(line)]:
            yield number, f"{match.group()!r} in: {line.strip()[:100]}"
    if path.suffix == ".py":
        yield from _names(ast.parse(text))


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    fields = {
        node.target
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef)
        for node in cls.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in PUBLIC_FIELDS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in NAMES and node not in fields:
            yield node.lineno, f"local name {node.id!r}: use the noun of the thing"
        if isinstance(node, ast.arg) and node.arg in NAMES:
            yield node.lineno, f"argument {node.arg!r}: use the noun of the thing"


def main(paths: list[str]) -> int:
    """Print every problem and return how many files have one, at most 1."""
    count = 0
    for path in files(paths):
        for number, problem in sorted(set(problems(path))):
            sys.stdout.write(f"{path.relative_to(ROOT)}:{number}: {problem}\n")
            count += 1
    if count:
        sys.stderr.write(f"{count} to change; scripts/check_words.py has the list\n")
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
