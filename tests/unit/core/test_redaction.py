"""No secret survives `redact`, and texts without one stay as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial_core import redaction
from seatrial_core.redaction import redact, redact_value

SECRET = "s3cr3t-V4lue"

TEXTS_WITH_A_SECRET = [
    f"postgresql://bob:{SECRET}@db:5432/x",
    f"postgresql+psycopg://bob:{SECRET}@db/x",
    f"postgresql://bob:{SECRET}@more@db/x",
    f"postgresql://bob:pre/{SECRET}@db/x",
    f"postgresql://bob:pre {SECRET}@db/x",
    f"postgresql://bob@db/x?password={SECRET}&sslmode=require",
    f"connection failed: host=db user=bob password={SECRET} dbname=x",
    f"password='{SECRET}'",
    f"https://hooks.slack.com/services/T000/B000/{SECRET}",
    f"https://discord.com/api/webhooks/123/{SECRET}",
    f"https://api.telegram.org/bot123456:{SECRET}/sendMessage",
    f"https://outlook.webhook.office.com/webhookb2/a@b/IncomingWebhook/{SECRET}/c",
    f"https://alerts.example.com/notify?key={SECRET}",
    f"https://{SECRET}@alerts.example.com/notify",
    f"https://user:{SECRET}@alerts.example.com/notify",
    f"https://user:pre/{SECRET}@alerts.example.com/notify",
    f"http://user:{SECRET}@127.0.0.1:5000/",
    f"http://127.0.0.1:5000/x?token={SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"Authorization: Basic {SECRET}",
    f"the header 'Bearer {SECRET}' is wrong",
    f"Cookie: seatrial={SECRET}; other=1",
    f"AWS_SECRET_ACCESS_KEY={SECRET}",
    f"SEATRIAL_TOKEN={SECRET}",
    f'{{"password": "{SECRET}", "user": "bob"}}',
    f"{{'api_key': '{SECRET}'}}",
]


@pytest.mark.parametrize("text", TEXTS_WITH_A_SECRET)
def test_a_secret_is_removed_in_every_usual_form(text: str) -> None:
    assert SECRET not in redact(text)
    assert redaction.HIDDEN in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "the engine does not answer at http://127.0.0.1:5000/v1/orders?account=default",
        "http://metrics:9999/v1/events?cursor=abc",
        "postgresql://db:5432/seatrial cannot be reached",
        "this token is not known here",
        "send `Authorization: Bearer <token>`; on a laptop the token is in .seatrial/token",
        "SEATRIAL_TOKENS is not set; set it (token=scope,scope;...) or bind to 127.0.0.1",
        "`token=scope,scope;token=admin`",
        "Basic authentication is not supported",
        "see https://example.com/docs/alerts",
    ],
)
def test_a_text_without_a_secret_is_not_changed(text: str) -> None:
    assert redact(text) == text


def test_the_host_of_an_address_stays_readable() -> None:
    assert redact(f"postgresql://bob:{SECRET}@db:5432/x") == "postgresql://bob:***@db:5432/x"
    assert redact(f"https://hooks.slack.com/services/T0/B0/{SECRET}") == "https://hooks.slack.com/services/***"


def test_a_given_value_is_removed_wherever_it_occurs() -> None:
    assert redact("the value abcdefgh is wrong", ["abcdefgh"]) == "the value *** is wrong"
    assert redact("a short value is no secret", ["a"]) == "a short value is no secret"


def test_a_remembered_value_is_removed_from_then_on() -> None:
    redaction.remember("remembered-value-1")

    assert redact("found 'remembered-value-1=admin'") == "found '***=admin'"


@pytest.mark.parametrize("shown", ["pass%40word-of-a-url", "pass@word-of-a-url"])
def test_the_password_of_a_remembered_address_is_removed_quoted_and_unquoted(shown: str) -> None:
    redaction.remember_url("postgresql://bob:pass%40word-of-a-url@db/x")

    assert redact(f"password {shown} refused") == "password *** refused"


def test_fields_named_like_a_secret_are_hidden_at_every_depth() -> None:
    event = {"event": "x", "token": SECRET, "detail": {"items": [f"postgresql://a:{SECRET}@h/d"], "n": 3}}

    assert redact_value(event) == {
        "event": "x",
        "token": "***",
        "detail": {"items": ["postgresql://a:***@h/d"], "n": 3},
    }


@given(st.text(max_size=300))
def test_redaction_never_fails(text: str) -> None:
    redact(text)
    redact(f"https://{text}")
    redact(f"postgresql://{text}@{text}/")
