"""Receives the webhooks of a trading engine: checks the sender, trades a signed webhook once, records the result."""

import hashlib
import json
import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.engine.used_signatures import SignatureFile
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import BadRequest, SeatrialError, TooManyRequests, Unauthenticated
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify
from seatrial_service.throttle import FailureThrottle, PeriodLimit, source_group

PERIOD_SECONDS = 60.0
# Webhooks that make no order; nothing else bounds their events.
MAX_EVENTS_WITHOUT_ORDER = 60
MAX_ANSWERS = 1_000

log = logging.getLogger("seatrial")

Trade = Callable[[Mapping[str, Any]], dict[str, Any]]  # Any: JSON


@dataclass(frozen=True)
class WebhookRecorder:
    """What records the status of a webhook: `count` in this process alone, `report` also as an event."""

    count: Callable[[str], None]
    report: Callable[[str], None]


@dataclass(frozen=True)
class WebhookSecret:
    """The secret that senders sign with, and the signatures that were accepted; an empty one signs nothing."""

    secret: str
    used: SignatureFile


@dataclass(frozen=True)
class ReceivedWebhook:
    """A webhook as it was read; `identity` and `signed_at` identify a signed one."""

    fields: Mapping[str, Any]  # Any: JSON
    identity: str = ""
    signed_at: int = 0


class WebhookReceiver:
    """Trade the webhooks of known senders.

    Args:
        trade: Trades a signal and returns the result.
        recorder: Records the status of every webhook.
        signing: The secret of the senders; an empty one accepts unsigned webhooks.
        clock: Checks the age of a signature.
    """

    def __init__(self, trade: Trade, recorder: WebhookRecorder, signing: WebhookSecret, clock: Clock) -> None:
        self._trade = trade
        self._recorder = recorder
        self._secret = signing.secret
        self._used = signing.used
        self._clock = clock
        self._throttle = FailureThrottle()
        self._events_without_order = PeriodLimit(MAX_EVENTS_WITHOUT_ORDER, PERIOD_SECONDS)
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()  # Any: JSON

    def read(self, body: bytes, headers: Mapping[str, str], source: str) -> ReceivedWebhook:
        """Return a webhook of a known sender.

        Args:
            body: The bytes that came.
            headers: The headers of the request.
            source: The address that sent it.

        Raises:
            Unauthenticated: It is not signed with the secret.
            TooManyRequests: The same, from an address that has sent too many of them.
            BadRequest: The body is not a JSON object.
        """
        if self._secret:
            now = int(self._clock.now().timestamp())
            problem = verify(self._secret, body, headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER), now=now)
            if problem is not None:
                raise self._refusal(problem, source)
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._record("malformed", is_new_order=False)
            raise BadRequest(f"the body is not JSON: {error}; send an object with symbol and action") from error
        if not isinstance(fields, dict):
            self._record("malformed", is_new_order=False)
            raise BadRequest(f"the body is a {type(fields).__name__}; send an object with symbol and action")
        if not self._secret:
            return ReceivedWebhook(fields)
        # A signed webhook has one valid signature, so its bytes identify the delivery.
        identity = f"hook:{hashlib.sha256(headers[SIGNATURE_HEADER].encode()).hexdigest()[:40]}"
        named = {**fields, "client_order_id": fields.get("client_order_id") or identity}
        return ReceivedWebhook(named, identity, int(headers[TIMESTAMP_HEADER]))

    def answer(self, delivery: ReceivedWebhook) -> dict[str, Any]:  # Any: JSON
        """Trade a webhook and return the result; a repeated signed one returns the first result again.

        Raises:
            Unavailable: Its signature cannot be stored, so it was not traded.
        """
        now = int(self._clock.now().timestamp())
        if delivery.identity and not self._used.use(delivery.identity, delivery.signed_at, now):
            self._record("repeated", is_new_order=False)
            return _repeated(self._answers.get(delivery.identity))
        result = self._trade(delivery.fields)
        is_new_order = bool(result.get("order_id")) and not result.get("repeated")
        self._record("invalid" if result.get("status") == "invalid" else "success", is_new_order=is_new_order)
        if delivery.identity:
            self._answers[delivery.identity] = result
            while len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        return result

    def _record(self, status: str, *, is_new_order: bool) -> None:
        if is_new_order or self._events_without_order.allows(self._clock.monotonic()):
            self._recorder.report(status)
        else:
            self._recorder.count(status)

    def _refusal(self, problem: str, source: str) -> SeatrialError:
        # An unknown sender must not cause events, so it is counted in this process alone.
        self._recorder.count("unauthorized")
        throttled = self._throttle.fail(source_group(source), self._clock.monotonic())
        if throttled is None or throttled.is_announced:
            log.warning("a webhook from %s was refused: %s", source, problem)
        if throttled is None:
            return Unauthenticated(problem)
        wait = math.ceil(throttled.wait_seconds)
        return TooManyRequests(
            f"too many refused webhooks from this address; sign them, or wait {wait} s ({problem})",
            headers={"Retry-After": str(wait)},
        )


def _repeated(answer: Mapping[str, Any] | None) -> dict[str, Any]:  # Any: JSON
    # Without the first answer an earlier process accepted it, or it is being traded now.
    if answer is None:
        return {"status": "ignored", "reason": "repeated", "order_id": None, "errors": []}
    return {**answer, "repeated": True}
