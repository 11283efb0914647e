"""Tokens of the environment: their syntax, their names, and which Authorization headers they admit."""

import pytest

from seatrial_core.errors import Forbidden, SettingsError, Unauthenticated
from seatrial_service.auth import OPEN, SCOPES, Principal, Tokens, authorise

OPS = "ops-token-0123456789"
PLAIN = "plain:token=0123456789"  # a colon and an equals sign were always allowed in a token
TOKENS = Tokens.parse(f"{OPS}=engine:trade, metrics:read, name:ops; {PLAIN}=admin")


def test_a_token_has_its_name_and_scopes() -> None:
    assert TOKENS.find(OPS) == Principal("ops", frozenset({"engine:trade", "metrics:read"}))


def test_a_token_without_a_name_is_named_by_its_hash() -> None:
    principal = TOKENS.find(PLAIN)

    assert principal == Principal("token-69b696cc", frozenset({"admin"}))
    assert principal == Tokens.parse(f"{PLAIN}=admin").find(PLAIN)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{OPS}=name:ops", "no scope"),
        (f"{OPS}=admin,name:a,name:b", "at most one"),
        (f"{OPS}=admin,name:a b", "letters, digits"),
        (f"{OPS}=admin,name:", "letters, digits"),
        (f"{OPS}=admin,engine:everything", "engine:everything"),
        ("short=admin", "shorter than 16"),
    ],
)
def test_a_malformed_entry_is_refused_without_showing_the_token(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        Tokens.parse(text)

    assert OPS not in str(refused.value)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_admitted(scheme: str) -> None:
    assert authorise(TOKENS, f"{scheme} {OPS}", "engine:trade").name == "ops"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        OPS,
        f"Basic {OPS}",
        f"Token {OPS}",
        f"Bearer{OPS}",
        f"xBearer {OPS}",
        f"Bearer {OPS} {OPS}",
        f"Bearer {OPS},",
        f"Bearer {OPS.upper()}",
        *(f"Bearer {OPS[:length]}" for length in range(1, len(OPS))),
        f"Bearer {OPS}x",
        f"Bearer x{OPS}",
    ],
)
def test_anything_but_the_whole_token_as_a_bearer_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        authorise(TOKENS, header, "engine:trade")


@pytest.mark.parametrize("scope", sorted(SCOPES - {"engine:trade", "metrics:read"}))
def test_a_scope_gives_no_other_scope(scope: str) -> None:
    with pytest.raises(Forbidden, match=scope):
        authorise(TOKENS, f"Bearer {OPS}", scope)


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_admin_includes_every_scope(scope: str) -> None:
    assert authorise(TOKENS, f"Bearer {PLAIN}", scope).scopes == {"admin"}


def test_without_tokens_everybody_is_admitted_and_has_no_name() -> None:
    assert authorise(Tokens(), None, "admin") is OPEN
    assert OPEN.name == ""
