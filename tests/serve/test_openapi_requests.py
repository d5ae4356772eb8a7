"""Schemathesis over the read side's OpenAPI document: nothing it thinks of is answered with a 5xx, or undocumented."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from .conftest import TOKENS, Served

CHECKS = [not_a_server_error, status_code_conformance]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_is_a_server_error(server: Served, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{server.base}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= {"/health", "/ready", "/metrics", "/events"}
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.query:
            continue

        @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case: Any) -> None:
            for who in ("acme", "admin", "expired"):
                case.call_and_validate(headers={"Authorization": f"Bearer {TOKENS[who]}"}, checks=CHECKS)

        answered()
