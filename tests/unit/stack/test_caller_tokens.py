"""Each service of a stack sends its own token, which the services that it calls accept for that call only."""

import pytest

from seatrial.stack import services
from seatrial.stack.caller_tokens import CallerTokens
from seatrial_core.errors import SettingsError
from seatrial_service.auth import Principal, Tokens


def test_accepted_tokens_keep_what_the_user_configured() -> None:
    inherited = {"SEATRIAL_TOKENS": "reader-reader-reader=metrics:read", "SEATRIAL_TOKEN": "sender-sender-sender"}

    accepted = Tokens.parse(CallerTokens("stack-stack-stack").accepted_by("backtest", inherited))

    reader, sender = accepted.find("reader-reader-reader"), accepted.find("sender-sender-sender")
    assert reader is not None and reader.scopes == {"metrics:read"}
    assert sender is not None and sender.scopes == {"admin"}
    assert accepted.find("stack-stack-stack") == Principal("stack", frozenset({"admin"}))


def test_each_service_accepts_its_callers_for_what_they_do_and_no_token_is_readable_there() -> None:
    tokens = CallerTokens("stack-stack-stack")
    texts = {service.name: tokens.accepted_by(service.name, {}) for service in services.SERVICES}
    accepted = {name: Tokens.parse(text) for name, text in texts.items()}

    scopes = {
        (caller, name): set(principal.scopes)
        for caller, token in tokens.by_caller.items()
        for name in accepted
        if (principal := accepted[name].find(token))
    }

    assert scopes == {
        ("alerts", "metrics"): {"metrics:read"},
        ("alerts", "engine"): {"engine:control"},
        ("engine", "metrics"): {"events:write"},
        ("stress", "engine"): {"engine:trade"},
    }
    assert not [token for token in (tokens.owner, *tokens.by_caller.values()) if token in "".join(texts.values())]
    assert {name: tokens.sent_by(name, {}) for name in ("metrics", "backtest")} == {"metrics": "", "backtest": ""}


def test_a_service_that_calls_another_stack_sends_the_owners_token() -> None:
    tokens = CallerTokens("stack-stack-stack")

    assert tokens.sent_by("engine", {"SEATRIAL_METRICS_URL": "http://elsewhere:9999"}) == tokens.owner
    assert tokens.sent_by("engine", {}) == tokens.by_caller["engine"] != tokens.owner


@pytest.mark.parametrize("entry", ["short=admin", "no-scope-no-scope-no-scope", "reader-reader-reader=nothing"])
def test_a_wrong_entry_is_left_for_the_service_to_refuse(entry: str) -> None:
    accepted = CallerTokens("stack-stack-stack").accepted_by("metrics", {"SEATRIAL_TOKENS": entry})

    with pytest.raises(SettingsError, match="SEATRIAL_TOKENS: entry 1"):
        Tokens.parse(accepted)
