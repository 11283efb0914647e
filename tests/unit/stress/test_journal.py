"""The journal of a run: intents joined with outcomes."""

import json
import math

from seatrial_stress.checks import journal


def test_intent_without_outcome_is_indeterminate_with_infinite_latency() -> None:
    line = {"event": "intent", "key": "r-1", "number": 0, "operation": "signal", "fault": None}

    result = journal.read([json.dumps({**line, "intended": 1.0, "sent": 1.1}), '{"event": "outc'])

    assert result.attempts[0].outcome is journal.OrderOutcome.INFO
    assert result.attempts[0].response_seconds == math.inf
    assert result.problems == ("line 2 cannot be read (JSONDecodeError)",)
