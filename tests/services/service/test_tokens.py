"""`seatrial token create|list|revoke` on a real database, and a service that obeys it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import create_engine, text

from seatrial.cli.main import main
from seatrial_service.db.session import driver_url
from seatrial_stress.app import build
from seatrial_stress.settings import StressSettings

ENVIRONMENT_TOKEN = "environment-token-0123456789"

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(owner_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs `seatrial token ...` on the test's database."""
    monkeypatch.setenv("SEATRIAL_DATABASE_URL", owner_url)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["token", *arguments])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def stress_url(role_url: Callable[[str], str]) -> str:
    """Return the same database as the role of the stress service."""
    return role_url("stress")


@asynccontextmanager
async def stress(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    tokens = f"{ENVIRONMENT_TOKEN}=stress:read"
    app = build(StressSettings(database_url=database_url, tokens=tokens, ui_port=0))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
    ):
        yield http


def statuses(stress_url: str, *tokens: str) -> list[int]:
    async def ask() -> list[int]:
        async with stress(stress_url) as http:
            return [
                (await http.get("/v1/plans", headers={"Authorization": f"Bearer {token}"})).status_code
                for token in tokens
            ]

    return asyncio.run(ask())


def test_a_created_token_works_until_it_is_revoked(command: Command, stress_url: str) -> None:
    code, out, err = command("create", "bot", "--scopes", "stress:read,metrics:read", "--expires", "30d")
    token = out.strip()
    assert (code, token[:9], len(token)) == (0, "seatrial_", 52)
    assert "shown once" in err
    assert token not in err
    assert statuses(stress_url, token, token[:-1], ENVIRONMENT_TOKEN) == [200, 401, 200]

    listed = json.loads(command("list", "--json", "-")[1])["items"]
    assert [(item["name"], item["scopes"], item["status"]) for item in listed] == [
        ("bot", ["metrics:read", "stress:read"], "valid")
    ]
    lifetime = datetime.fromisoformat(listed[0]["expires_at"]) - datetime.fromisoformat(listed[0]["created_at"])
    assert lifetime == timedelta(days=30)
    assert "bot" in command("list")[1]

    assert command("revoke", listed[0]["id"])[0] == 0
    assert statuses(stress_url, token, ENVIRONMENT_TOKEN) == [401, 200]
    assert json.loads(command("list", "--json", "-")[1])["items"][0]["status"] == "revoked"


def test_the_database_holds_the_hash_only(command: Command, owner_url: str) -> None:
    created = json.loads(command("create", "bot", "--scopes", "admin", "--expires", "never", "--json", "-")[1])

    engine = create_engine(driver_url(owner_url))
    with engine.connect() as connection:
        row = str(connection.execute(text("SELECT row_to_json(t)::text FROM access.tokens t")).scalar_one())
    engine.dispose()

    assert created["expires_at"] is None
    assert created["token"] not in row
    assert created["token"].removeprefix("seatrial_") not in row


def test_an_expired_token_is_refused(command: Command, owner_url: str, stress_url: str) -> None:
    token = command("create", "bot", "--scopes", "stress:read")[1].strip()
    engine = create_engine(driver_url(owner_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE access.tokens SET expires_at = now() - interval '1 second'"))
    engine.dispose()

    assert statuses(stress_url, token) == [401]


def test_a_running_service_obeys_a_revocation_within_two_seconds(command: Command, stress_url: str) -> None:
    token = command("create", "bot", "--scopes", "stress:read")[1].strip()

    async def ask() -> tuple[int, float]:
        headers = {"Authorization": f"Bearer {token}"}
        async with stress(stress_url) as http:
            first = (await http.get("/v1/plans", headers=headers)).status_code
            await asyncio.to_thread(command, "revoke", "bot")
            started = asyncio.get_running_loop().time()
            while (await http.get("/v1/plans", headers=headers)).status_code == 200:
                await asyncio.sleep(0.05)
            return first, asyncio.get_running_loop().time() - started

    first, seconds = asyncio.run(ask())

    assert first == 200
    assert seconds < 4.0  # two, and room for a busy machine


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("create", "a b", "--scopes", "admin"), "letters, digits"),
        (("create", "bot", "--scopes", "engine:everything"), "engine:everything"),
        (("create", "bot", "--scopes", ","), "found none"),
        (("create", "bot", "--scopes", "admin", "--expires", "soon"), "90d"),
        (("create", "bot", "--scopes", "admin", "--expires", "99999w"), "90d"),
        (("revoke", "nobody-has-this"), "no token in use"),
    ],
)
def test_a_wrong_command_says_what_is_allowed(command: Command, arguments: tuple[str, ...], problem: str) -> None:
    code, out, err = command(*arguments)

    assert (code, out) == (1, "")
    assert problem in err


def test_a_name_is_used_once_at_a_time(command: Command) -> None:
    assert command("create", "bot", "--scopes", "admin")[0] == 0
    code, _, err = command("create", "bot", "--scopes", "admin")
    assert (code, "choose another name" in err) == (1, True)
    assert command("revoke", "bot")[0] == 0
    assert command("create", "bot", "--scopes", "admin")[0] == 0
