"""The FastAPI application: validation, prediction, health. Everything else is the command's business."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from starlette.exceptions import HTTPException

from sluice.categories import CATEGORIES
from sluice.predict_service.faults import Dice, Faults, spoil

MODEL_VERSION = "hash-1"
MAX_ITEMS = 10_000
SHOWN_PROBLEMS = 100

Text = Annotated[str, Field(max_length=65_536)]


class Transaction(BaseModel):
    """One transaction. Fields the service does not know are ignored."""

    model_config = ConfigDict(coerce_numbers_to_str=True, extra="ignore")

    id: Annotated[str, Field(min_length=1, max_length=1_024)]
    description: Text | None = None
    amount: FiniteFloat
    timestamp: datetime
    merchant: Text | None = None
    operation_type: Text | None = None
    side: Literal["credit", "debit"]


class Prediction(BaseModel):
    """The category of the transaction with this id."""

    id: str
    category: Literal[CATEGORIES]  # type: ignore[valid-type]


class Problem(BaseModel):
    """What is wrong with one item of the request."""

    index: int | None
    id: str | None
    field: str | None
    reason: str


class Refusal(BaseModel):
    """The shape of every error."""

    ok: Literal[False] = False
    error: str
    status: int
    items: list[Problem] = []


def predict(transaction: Transaction) -> str:
    """The model: deterministic under hash seed 0 on any 64-bit CPython from 3.11."""
    return CATEGORIES[hash(transaction.id) % len(CATEGORIES)]


def _problem(error: dict[str, Any], body: Any) -> Problem:
    where = [part for part in error["loc"] if part != "body"]
    index = where[0] if where and isinstance(where[0], int) else None
    item = body[index] if index is not None and isinstance(body, Sequence) and index < len(body) else None
    name = item.get("id") if isinstance(item, dict) else None
    field = str(where[1]) if index is not None and len(where) > 1 else None
    return Problem(
        index=index,
        id=_printable(str(name)) if isinstance(name, str | int) else None,
        field=field,
        reason=_printable(error["msg"]),
    )


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()[:200]


def _refuse(status: int, error: str, items: Sequence[Problem] = ()) -> JSONResponse:
    refusal = Refusal(error=error, status=status, items=list(items))
    return JSONResponse(refusal.model_dump(), status_code=status)


async def _on_invalid(_: Request, failure: Exception) -> Response:
    assert isinstance(failure, RequestValidationError)
    errors = failure.errors()
    if any(error["type"] == "json_invalid" for error in errors):
        return _refuse(400, "the body is not JSON")
    problems = [_problem(error, failure.body) for error in errors[:SHOWN_PROBLEMS]]
    first = problems[0]
    named = "the body" if first.index is None else f"item {first.index}"
    if first.id is not None:
        named += f" (id {first.id})"
    if first.field is not None:
        named += f", field {first.field}"
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return _refuse(422, f"{named}: {first.reason}{more}", problems)


async def _on_http_error(_: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    response = _refuse(failure.status_code, str(failure.detail))
    response.headers.update(failure.headers or {})
    return response


def create_app(
    faults: Faults | None = None, model_version: str = MODEL_VERSION, *, any_seed: bool = False
) -> FastAPI:
    """The service. Refuses to start under a random hash seed, which would give every process its own
    categories, unless `any_seed` says that they do not matter."""
    if sys.flags.hash_randomization and not any_seed:
        raise RuntimeError(
            "categories need PYTHONHASHSEED=0 before Python starts: use scripts/predict_service"
        )
    faults = faults or Faults()
    dice = Dice(faults)
    requests = 0
    app = FastAPI(title="Sluice prediction service", version=model_version)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    refusals: dict[int | str, dict[str, Any]] = {
        400: {"model": Refusal, "description": "The body is not JSON"},
        422: {"model": Refusal, "description": "An item is invalid; the error names it"},
        503: {"model": Refusal, "description": "Told to fail"},
    }

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the process lives, and which model answers."""
        return {"status": "ok", "model_version": model_version}

    @app.post("/predict", response_model=list[Prediction], responses=refusals)
    async def predict_all(
        transactions: Annotated[list[Transaction], Body(max_length=MAX_ITEMS)],
    ) -> Response:
        """Classify a list of transactions; the answer has the same ids in the same order."""
        nonlocal requests
        requests += 1
        if faults.die_after is not None and requests > faults.die_after:
            os._exit(1)
        if faults.delay:
            await asyncio.sleep(faults.delay)
        if faults.bad_id is not None and any(faults.bad_id in one.id for one in transactions):
            return _refuse(500, "told to fail for this id")
        fault = dice.next_fault()
        if fault == "fail":
            return _refuse(503, "told to fail")
        answer = [{"id": one.id, "category": predict(one)} for one in transactions]
        body = orjson.dumps(answer) if fault is None else spoil(fault, answer)
        return Response(body, media_type="application/json", headers={"X-Model-Version": model_version})

    return app
