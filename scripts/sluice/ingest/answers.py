"""What the service says: its refusals and the models that describe its answers in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """Ends a request with an error answer."""

    def __init__(
        self,
        status: int,
        error: str,
        headers: Mapping[str, str] | None = None,
        rejected: list[dict[str, Any]] | None = None,
        is_body_left: bool = False,
    ) -> None:
        super().__init__(error)
        self.status, self.headers, self.rejected = status, headers, rejected
        self.is_body_left = is_body_left
        """The client may still be sending its body."""

    def body(self) -> dict[str, Any]:
        """The JSON that every error has."""
        body: dict[str, Any] = {"ok": False, "error": str(self), "status": self.status}
        if self.rejected is not None:
            body["rejected"] = self.rejected
        return body

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI wants them."""
        return [(name.lower().encode(), value.encode()) for name, value in (self.headers or {}).items()]


def retry_later(status: int, error: str, seconds: float) -> Refusal:
    """A 429 or 503 that says when to come back."""
    return Refusal(status, error, {"Retry-After": str(max(1, -int(-seconds // 1)))})


class Reason(BaseModel):
    """Why an event is refused."""

    field: str | None = Field(description="The field it is about; null for the event as a whole.")
    reason: str = Field(examples=["invalid_timestamp"])


class Rejected(Reason):
    """One refused event of a bulk request, with the first thing that is wrong."""

    index: int = Field(description="Its place in `events`, from 0.")
    more: list[Reason] = Field(
        default=[], description="What else is wrong with it; only there where something is."
    )


class Accepted(BaseModel):
    """The event is on disk."""

    ok: bool = True
    accepted: int = 1


class BulkAccepted(BaseModel):
    """The accepted events are on disk; the rejected ones were not kept."""

    ok: bool = True
    accepted: int
    rejected: list[Rejected]


class Problem(BaseModel):
    """Every error has this shape."""

    ok: bool = False
    error: str
    status: int
    rejected: list[Reason] | None = Field(
        default=None, description="Of `POST /events`: each thing that is wrong."
    )


class Status(BaseModel):
    """The process lives, or can take events."""

    status: str
    warnings: list[str] = []
