"""Unknown query parameters are refused by every JSON route of every service, with the names there are."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.unit.service.test_route_scopes import TOKEN_BY_SCOPE, TOKENS
from tests.unit.service.test_routing import BUILDERS, NOWHERE

from seatrial_core.errors import ValidationFailed
from seatrial_service.query_parameters import require_known
from seatrial_service.routing import query_parameters, service_routes

LIMIT = {"limit": False, "environment": True}


def test_two_typos_are_both_reported_with_the_names_there_are() -> None:
    with pytest.raises(ValidationFailed) as refused:
        require_known([("limti", "5"), ("accuont", "a"), ("limit", "5")], LIMIT)

    assert str(refused.value) == (
        "the query parameters `limti`, `accuont` are not known here; this route has `environment`, `limit`"
    )
    assert [(error.field, error.value) for error in refused.value.errors] == [
        ("query.limti", "5"),
        ("query.accuont", "a"),
    ]


def test_a_single_value_may_not_be_given_twice_and_a_list_may() -> None:
    require_known([("environment", "live"), ("environment", "paper"), ("limit", "1")], LIMIT)

    with pytest.raises(ValidationFailed, match="`limit` is given more than once; send one value"):
        require_known([("limit", "1"), ("limit", "2")], LIMIT)


def test_many_long_names_make_a_short_message() -> None:
    with pytest.raises(ValidationFailed) as refused:
        require_known([("x" * 9_000 + str(number), "v" * 9_000) for number in range(500)], {})

    assert len(str(refused.value)) < 3_000
    assert "and 480 more" in str(refused.value)
    assert "this route has no query parameters" in str(refused.value)


@pytest.mark.parametrize(("build", "settings"), BUILDERS)
async def test_every_json_route_of_a_service_names_its_parameters(
    build: Callable[..., FastAPI], settings: Callable[..., Any]
) -> None:
    app = build(settings(database_url=NOWHERE, tokens=TOKENS))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    checked = 0
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for method, route in service_routes(app):
            if route.path.startswith("/metrics"):
                continue
            token = TOKEN_BY_SCOPE[route.scopes[0]] if route.scopes else ""
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            path = route.path.replace("{", "").replace("}", "")
            answer = await http.request(method, path, params={"limti": "5"}, headers=headers)
            assert answer.status_code == 422, f"{method} {path}"
            detail = answer.json()["detail"]
            assert "`limti` is not known here" in detail
            assert all(f"`{name}`" in detail for name in query_parameters(route.dependant))
            checked += 1
        scraped = await http.get("/metrics", params={"name[]": "up"})

    assert checked > 5
    assert scraped.status_code != 422
