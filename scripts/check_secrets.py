"""Refuses secrets in the files that git tracks: `python scripts/check_secrets.py`.

It knows private keys, tokens of common providers, values that `make env` writes, and passwords in addresses. Tests use
words such as `test-token`, which no pattern matches.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from check_report import report

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "a password in an address"
PATTERNS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
    "a Slack webhook": re.compile(r"hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20,}"),
    "a Google key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "a Seatrial token": re.compile(r"\bseatrial_[0-9A-Za-z_-]{43}(?![0-9A-Za-z_-])"),
    "a Stripe key": re.compile(r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    "a PyPI token": re.compile(r"\bpypi-AgE[0-9A-Za-z_-]{50,}"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{15,}"),
    # What `make env` writes is 48 hexadecimal digits; hashes of locks have 64 and commits 40.
    "a random value of `make env`": re.compile(r"(?<![0-9a-f])[0-9a-f]{48}(?![0-9a-f])"),
    PASSWORD: re.compile(r"://[^\s/:@${}<>\"']+:(?P<password>[^\s/:@${}<>\"']{12,})@[\w.-]+"),
}
# Files that hold secrets on a machine and are never committed.
NEVER = re.compile(
    r"(^|/)(\.env(\.(?!example$)[^/]*)?|[^/]*secret[^/]*\.env|secrets/[^/]*\.env|[^/]*\.(pem|p12)|id_(rsa|ed25519)|\.seatrial/.*)$"
)
MAX_BYTES = 2_000_000


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and kind of every secret; never the secret."""
    for kind, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, kind


def tracked(root: Path) -> list[str]:
    """Return the files that git tracks or would add."""
    if not (root / ".git").exists():
        sys.stdout.write(f"{root} is no git checkout, so no file of it can be committed\n")
        return []
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [name for name in output.split("\0") if name]


def complaints(root: Path = ROOT) -> Iterator[str]:
    """Yield one sentence for each secret and each file that is never committed."""
    for name in tracked(root):
        path = root / name
        if NEVER.search(name):
            yield f"{name} holds secrets on a machine; remove it from git"
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
            continue
        for line, kind in secrets_in(path.read_text(encoding="utf-8", errors="replace")):
            if kind == PASSWORD and name.startswith("tests/"):
                continue  # tests invent addresses
            yield f"{name}:{line}: {kind}; remove it, and revoke it if it was real"


if __name__ == "__main__":
    sys.exit(report(complaints()))
