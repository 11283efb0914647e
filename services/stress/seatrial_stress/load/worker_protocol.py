"""Messages between the stress service and its remote workers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

from seatrial_core.addresses import MAX_URL
from seatrial_core.contracts.numbers import Count
from seatrial_core.contracts.stress import StressPlan
from seatrial_core.contracts.text import JsonDocument, TextRule

MAX_LINES = 1_000
# It names a folder.
RunId = Annotated[str, TextRule(1, 64, pattern=r"^[A-Za-z0-9_-]+$")]
# One line of JSON, which `json.dumps` escapes to ASCII.
JournalLine = Annotated[str, TextRule(max_length=16_000)]


class WorkerAssignment(BaseModel):
    """One worker's part of a run; plan and run id determine the schedule."""

    model_config = ConfigDict(frozen=True)

    run: RunId
    number: Annotated[int, Field(ge=0, le=7)]
    plan: StressPlan
    target: Annotated[str, TextRule(1, MAX_URL)]
    with_token: bool


class PolledAssignment(RootModel[WorkerAssignment | None]):
    """The response to an idle worker: its part of a run, or null."""


class HeartbeatReply(BaseModel):
    """Whether the run of a worker continues."""

    go_on: bool


class JournalPart(BaseModel):
    """Some lines of a worker's journal; parts count from 0, so a repeated one is stored once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: RunId
    part: Count
    lines: Annotated[list[JournalLine], Field(max_length=MAX_LINES)]


class WorkerSummary(BaseModel):
    """The end of a worker's part: its generator's exit code and the summary the generator wrote, if any."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    run: RunId
    exit_code: Annotated[int, Field(ge=-256, le=256)] | None
    summary: JsonDocument | None = Field(alias="word")
