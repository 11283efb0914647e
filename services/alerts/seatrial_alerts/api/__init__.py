"""The HTTP interface of the alerts service: parse, call, return."""

from fastapi import APIRouter

from seatrial_alerts.api.alerts_routes import alert_router, silence_router
from seatrial_alerts.api.breaker_routes import breaker_router
from seatrial_alerts.api.deliveries_routes import delivery_router
from seatrial_alerts.api.rules_routes import rule_router, threshold_router
from seatrial_alerts.service import AlertsService

ROUTERS = (rule_router, threshold_router, alert_router, silence_router, delivery_router, breaker_router)


def routes(service: AlertsService) -> list[APIRouter]:
    """Return the routers of this service."""
    return [make(service) for make in ROUTERS]
