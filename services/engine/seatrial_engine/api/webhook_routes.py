"""The routes that trade webhooks: signed ones, and those of senders that only know a token."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request, Response

from seatrial_core.contracts.text import TextRule
from seatrial_core.errors import SeatrialError, Unauthenticated
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER
from seatrial_engine import examples
from seatrial_engine.api import webhook_auth
from seatrial_engine.api.schemas import WebhookAccepted
from seatrial_engine.api.webhook_auth import AuthenticatedWebhook, WebhookKeys, WebhookRequest
from seatrial_engine.api.webhook_counts import WebhookCounts
from seatrial_engine.domain import signal_parser
from seatrial_engine.domain.commands import ProcessingResult, TradeRequest
from seatrial_engine.domain.order_intent import RejectReason
from seatrial_engine.engine import answer
from seatrial_engine.service import EngineService
from seatrial_engine.store import queries as stored
from seatrial_engine.store import used_signatures
from seatrial_service.routing import public, service_router

# Senders like TradingView close the connection after 3 s.
WEBHOOK_TIMEOUT_SECONDS = 2.0
PathToken = Annotated[str, TextRule(1, 500)]


def routes(service: EngineService) -> APIRouter:
    """Return the router of the webhooks."""
    router = service_router(tags=["webhook"], dependencies=[public("the sender's signature or token is checked")])
    keys = WebhookKeys(service.settings.webhook_secret, service.settings.webhook_token)
    counts = WebhookCounts(service)

    async def receive(request: Request, response: Response, token: str | None) -> WebhookAccepted:
        now = int(service.clock.now().timestamp())
        headers = request.headers
        webhook = WebhookRequest(
            await request.body(), headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER), token
        )
        try:
            sender = webhook_auth.authenticate(webhook, keys, now)
            result = await _traded(service, sender, now)
        except Unauthenticated:
            counts.count_refused()
            raise
        except SeatrialError as error:
            await counts.count("error" if error.status >= 500 else "invalid", is_new=False)
            raise
        if result is None:
            response.status_code = 202
            return WebhookAccepted(status="accepted")
        status = "success" if result.order is None or result.order.price is not None else "rejected"
        await counts.count(status, is_new=result.order is not None and not result.repeated)
        fields = answer(result)
        return WebhookAccepted(
            status=fields["status"], order_id=fields["order_id"], reason=fields["reason"], repeated=result.repeated
        )

    @router.post("/webhook", responses={200: examples.answer({"status": "filled", "order_id": "0f5c2d"})})
    async def signed(request: Request, response: Response) -> WebhookAccepted:
        """Trade a signed signal; a repeated delivery is one order."""
        return await receive(request, response, None)

    @router.post("/webhook/{token}", responses={200: examples.answer({"status": "filled", "order_id": "0f5c2d"})})
    async def tokened(token: PathToken, request: Request, response: Response) -> WebhookAccepted:
        """Trade a signal of a sender that cannot sign; the same body within five minutes is one order."""
        return await receive(request, response, token)

    return router


async def _traded(service: EngineService, sender: AuthenticatedWebhook, now: int) -> ProcessingResult | None:
    # Returns None when trading takes longer than the sender waits; the trade continues.
    signal = signal_parser.read({"account": service.config.account, **sender.fields})
    # A hold makes no order that a repeated delivery could find.
    if signal.action == "hold" and sender.signed_at is not None:
        async with service.database.transaction() as session:
            is_new = await used_signatures.use(session, sender.order_ids[0], sender.signed_at, now)
        if not is_new:
            return ProcessingResult(service.writer.state, reason=RejectReason.HOLD.value, repeated=True)
    if signal.client_order_id is None:
        newest, *older = sender.order_ids
        if older:
            async with service.database.transaction() as session:
                records = await stored.find(session, [(signal.account, identity) for identity in older])
            newest = next((record.order.client_order_id for record in records.values()), newest)
        signal = signal.model_copy(update={"client_order_id": newest})
    task = asyncio.ensure_future(service.writer.submit(TradeRequest(signal)))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    done, _ = await asyncio.wait({task}, timeout=WEBHOOK_TIMEOUT_SECONDS)
    return task.result() if done else None
