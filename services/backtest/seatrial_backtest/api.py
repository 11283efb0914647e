"""Routes of the backtest service."""

import asyncio
import gzip
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from seatrial_backtest import examples, store, uploads
from seatrial_backtest.service import BacktestService
from seatrial_backtesting.data.loader import LoadOptions
from seatrial_backtesting.data.quality import OnBadBar
from seatrial_core.contracts.backtests import (
    BacktestJob,
    BacktestRequest,
    DatasetInfo,
    DatasetUpload,
    IntervalMs,
    JobStatus,
)
from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.text import Symbol, TextRule
from seatrial_core.errors import Conflict
from seatrial_service.parsing.bodies import json_schema
from seatrial_service.routing import requires, service_router
from seatrial_trading.strategy import registry, rules

READ = [requires("backtest:read")]
RUN = [requires("backtest:run")]
Limit = Annotated[int, Query(ge=1, le=500)]
Hash = Annotated[str, TextRule(64, 64, pattern=r"^[0-9a-f]{64}$")]
Timezone = Annotated[str, TextRule(max_length=64)]

UPLOAD_BODY: dict[str, Any] = {  # Any: OpenAPI
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": json_schema(DatasetUpload), "example": examples.UPLOAD},
            "text/csv": {"schema": {"type": "string"}, "example": "timestamp,open,high,low,close,volume\n"},
        },
    }
}


def routes(service: BacktestService) -> list[APIRouter]:
    """Return the routers of this service."""
    return [_datasets(service), _backtests(service), _strategies()]


def _datasets(service: BacktestService) -> APIRouter:
    router = service_router(prefix="/v1/datasets", tags=["datasets"])

    @router.post(
        "",
        status_code=201,
        dependencies=RUN,
        responses=examples.answer(examples.DATASET, 201),
        openapi_extra=UPLOAD_BODY,
    )
    async def upload(
        request: Request,
        symbol: Symbol | None = None,
        interval_ms: IntervalMs | None = None,
        on_bad_bar: OnBadBar = "reject",
        timezone: Timezone | None = None,
    ) -> DatasetInfo:
        """Store bars, as JSON columns or as CSV (then symbol and the like are query parameters)."""
        options = LoadOptions(symbol, {}, on_bad_bar, timezone, interval_ms, max_rows=service.max_rows)
        is_csv = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/csv"
        read = uploads.read_csv if is_csv else uploads.read_json
        return await service.store_dataset(await service.bodies.read(request, read, options))

    @router.get("", dependencies=READ, responses=examples.answer(examples.page(examples.DATASET)))
    async def list_datasets(limit: Limit = 100, cursor: Hash | None = None) -> Page[DatasetInfo]:
        """List datasets, newest first."""
        async with service.database.transaction() as session:
            items = await store.datasets(session, limit, cursor)
        return Page(items=items, next_cursor=items[-1].id if len(items) == limit else None)

    @router.get("/{dataset_id}", dependencies=READ, responses=examples.answer(examples.DATASET))
    async def get_dataset(dataset_id: Hash) -> DatasetInfo:
        """Return one dataset without its bars."""
        async with service.database.transaction() as session:
            return await store.dataset(session, dataset_id)

    return router


def _backtests(service: BacktestService) -> APIRouter:
    router = service_router(prefix="/v1/backtests", tags=["backtests"])

    @router.post("", status_code=202, dependencies=RUN, responses=examples.answer(examples.JOB, 202))
    async def start(request: Annotated[BacktestRequest, Body(examples=[examples.REQUEST])]) -> BacktestJob:
        """Start a backtest; an identical request returns the same job and is not computed again."""
        return await service.submit(request)

    @router.get("", dependencies=READ, responses=examples.answer(examples.page(examples.JOB)))
    async def list_backtests(
        limit: Limit = 100, cursor: Hash | None = None, status: JobStatus | None = None
    ) -> Page[BacktestJob]:
        """List backtests, newest first."""
        async with service.database.transaction() as session:
            items = await store.jobs(session, limit, cursor, status)
        return Page(items=items, next_cursor=items[-1].id if len(items) == limit else None)

    @router.get("/{job_id}", dependencies=READ, responses=examples.answer(examples.JOB))
    async def get_backtest(job_id: Hash) -> BacktestJob:
        """Return one backtest and its progress."""
        async with service.database.transaction() as session:
            return await store.job(session, job_id)

    @router.get("/{job_id}/result", dependencies=READ, responses=examples.answer(examples.RESULT))
    async def get_result(job_id: Hash, request: Request) -> Response:
        """Return the result document of a backtest that succeeded."""
        async with service.database.transaction() as session:
            document = await store.result(session, job_id)
            if document is None:
                raise _no_result(await store.job(session, job_id))
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(document, media_type="application/json", headers={"Content-Encoding": "gzip"})
        # Of the largest documents this takes some 100 ms, in which other requests go on.
        text = await asyncio.to_thread(gzip.decompress, document)
        return Response(text, media_type="application/json")

    @router.delete("/{job_id}", dependencies=RUN, responses=examples.answer(examples.JOB))
    async def cancel(job_id: Hash) -> BacktestJob:
        """Cancel a backtest; a running one stops at its next step."""
        async with service.database.transaction() as session:
            job = await store.cancel(session, job_id, service.clock.now())
        if job.status in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            raise Conflict(f"backtest {job_id} has already {job.status}; there is nothing to cancel")
        return job

    return router


def _strategies() -> APIRouter:
    router = service_router(prefix="/v1", tags=["strategies"])

    @router.get("/strategies", dependencies=READ, responses=examples.answer(examples.page(examples.STRATEGY)))
    async def list_strategies() -> dict[str, Any]:  # Any: JSON Schema
        """List the strategies that a request can name, with the JSON Schema of their parameters."""
        items = [
            {
                "name": spec.name,
                "version": spec.version,
                "summary": str(getattr(spec, "summary", "")),
                "params": spec.params.model_json_schema(),
            }
            for _, spec in sorted(registry.strategies().items())
        ]
        return {"items": items, "next_cursor": None}

    @router.get("/schema/rules", dependencies=READ, responses=examples.answer({"type": "object"}))
    async def rules_schema() -> dict[str, Any]:  # Any: JSON Schema
        """Return the JSON Schema of rule documents."""
        return rules.json_schema()

    return router


def _no_result(job: BacktestJob) -> Conflict:
    why = f": {job.error}" if job.error else ""
    return Conflict(f"backtest {job.id} is {job.status}{why}; there is a result once it has succeeded")
