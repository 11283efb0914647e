"""The limit of a plan's size, known before any request is made."""

from seatrial_core.contracts.stress import StressPlan
from seatrial_core.errors import FieldError, ValidationFailed
from seatrial_stress.plans import schedule


def require_size(plan: StressPlan, max_requests: int) -> None:
    """Refuse a plan that sends more requests than the service allows.

    Raises:
        ValidationFailed: Rate, duration and repeats come to more than `max_requests`.
    """
    requests = round(schedule.expected_requests(plan))
    if requests <= max_requests:
        return
    rate, seconds = f"{plan.rate_per_second:g} per second", f"{plan.duration_seconds:g} seconds"
    sentence = (
        f"the plan sends about {requests:,} requests ({rate} for {seconds}); at most {max_requests:,} are allowed. "
        "Lower `rate_per_second` or `duration_seconds`, or raise SEATRIAL_STRESS_MAX_REQUESTS"
    )
    allowed = f"rate_per_second times duration_seconds at most {max_requests:,}"
    raise ValidationFailed(sentence, errors=[FieldError("duration_seconds", f"{plan.duration_seconds:g}", allowed)])
