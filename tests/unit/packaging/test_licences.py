"""The product's lock holds permissive licences only, and the check refuses any other."""

import pytest
from tests.support.scripts import load_script

SCRIPT = load_script("check_licences")


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-only",
        "GNU Affero General Public License v3",
        "SSPL-1.0",
        "Apache-2.0 WITH Commons-Clause",
        "LGPL-3.0-only",
        "MIT AND GPL-2.0-only",
        "UNKNOWN",
        "",
        "Apache Software License; GNU General Public License (GPL)",
        "(MIT OR GPL-2.0-only) AND BSD-3-Clause",
    ],
)
def test_a_licence_that_is_not_listed_is_refused(licence: str) -> None:
    (sentence,) = SCRIPT.refused({"a-package": licence}, ["a_package"])

    assert "a-package" in sentence


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT OR GPL-2.0-only",
        "BSD-2-Clause AND Apache-2.0 WITH LLVM-exception",
        "ISC License (ISCL)",
    ],
)
def test_a_permissive_licence_is_accepted(licence: str) -> None:
    assert list(SCRIPT.refused({"a-package": licence}, ["A.Package"])) == []


def test_weak_copyleft_is_accepted_for_the_listed_package_only() -> None:
    licences = {"psycopg": "LGPL-3.0-only", "other": "LGPL-3.0-only"}

    (sentence,) = SCRIPT.refused(licences, licences)

    assert sentence.startswith("other:")


def test_a_locked_package_that_is_not_installed_is_named() -> None:
    (sentence,) = SCRIPT.refused({}, ["absent"])

    assert "absent is locked but not installed" in sentence


def test_every_package_of_the_product_has_an_allowed_licence() -> None:
    names = SCRIPT.locked(SCRIPT.LOCK.read_text(encoding="utf-8"))

    assert len(names) > 80
    assert list(SCRIPT.refused(SCRIPT.stated(names), names)) == []
