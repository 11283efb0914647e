"""The routes of deliveries and the test notification."""

from uuid import uuid4

from fastapi import APIRouter

from seatrial_alerts import notifications
from seatrial_alerts.api.access import READ, WRITE, Limit
from seatrial_alerts.examples import (
    DELIVERY,
    answer,
)
from seatrial_alerts.service import AlertsService
from seatrial_alerts.store import outbox
from seatrial_core.contracts.alerts import (
    Delivery,
)
from seatrial_core.contracts.numbers import RowCursor
from seatrial_core.contracts.pages import Page
from seatrial_core.errors import Conflict
from seatrial_core.notifications import WEBHOOK
from seatrial_service.routing import service_router


def delivery_router(service: AlertsService) -> APIRouter:
    """Return the routes of deliveries."""
    router = service_router(prefix="/v1", tags=["deliveries"])

    @router.get("/deliveries", dependencies=READ, responses=answer({"items": [DELIVERY], "next_cursor": None}))
    async def list_deliveries(limit: Limit = 100, cursor: RowCursor | None = None) -> Page[Delivery]:
        """List attempts to deliver notifications, newest first."""
        async with service.database.transaction() as session:
            rows = await outbox.deliveries(session, cursor, limit + 1)
        items = [
            Delivery(
                key=message.key,
                alert_id=message.alert_id,
                channel=message.channel,
                at=attempt.at,
                attempt=attempt.attempt,
                outcome=attempt.outcome,
                status_code=attempt.status_code,
                detail=attempt.detail,
                seconds=attempt.seconds,
            )
            for attempt, message in rows[:limit]
        ]
        return Page(items=items, next_cursor=str(rows[limit - 1][0].id) if len(rows) > limit else None)

    @router.post("/test-notification", dependencies=WRITE, status_code=202, responses=answer({"key": "test-1f"}, 202))
    async def test_notification() -> dict[str, str]:
        """Queue a test notification, to check the webhook."""
        if not service.has_webhook:
            raise Conflict("no webhook is configured; set ALERT_WEBHOOK_URL and restart the service")
        now = service.clock.now()
        key = f"test-{uuid4().hex}"
        async with service.database.transaction() as session:
            body = notifications.of_test(key, now).model_dump(mode="json")
            await outbox.enqueue(session, body, WEBHOOK, "waiting", now)
        service.dispatcher.wake()
        return {"key": key}

    return router
