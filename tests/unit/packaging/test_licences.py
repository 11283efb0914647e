"""No dependency of the product forbids what its users do with it; the copyleft ones that are fine are listed here."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[3]
REFUSED = re.compile(r"\bA?GPL|Affero|General Public|SSPL|Server Side Public|Commons Clause", re.IGNORECASE)
LESSER = re.compile(r"LGPL|Lesser|Library General", re.IGNORECASE)
# Used unmodified and installed from their own packages.
WEAK_COPYLEFT = {
    "bidict": "MPL-2.0",
    "certifi": "MPL-2.0",
    "pathspec": "MPL-2.0",
    "psycopg": "LGPL-3.0",
    "psycopg-binary": "LGPL-3.0",
    "psycopg-pool": "LGPL-3.0",
}


def locked() -> list[str]:
    """Return the names of the product's locked packages that this platform installs."""
    names = []
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        match = re.match(r"^([A-Za-z0-9_.-]+)==[^ ;\\]+(?:\s*;\s*([^\\]+))?", line)
        if match and (match[2] is None or Marker(match[2].strip()).evaluate()):
            names.append(match[1])
    return names


def words_of(name: str) -> str:
    """Return everything that a package says of its licence, short of the text itself."""
    about = metadata.metadata(name)
    classifiers = [text for text in about.get_all("Classifier") or [] if text.startswith("License")]
    stated = [about[field][:200] for field in ("License-Expression", "License") if field in about]
    return " / ".join([*stated, *classifiers])


@pytest.mark.parametrize("name", locked())
def test_licence(name: str) -> None:
    words = words_of(name)

    assert words.strip(" /"), f"{name} does not say its licence; look it up and list it"
    if LESSER.search(words) or "MPL" in words or "Mozilla" in words:
        assert name in WEAK_COPYLEFT, f"{name}: {words}"
    else:
        assert not REFUSED.search(words), f"{name}: {words}"
