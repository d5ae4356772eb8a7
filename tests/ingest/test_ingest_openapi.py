"""Schemathesis over the OpenAPI document: nothing it thinks of is answered with a 5xx, or undocumented."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from ingest_kit import running
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_is_a_server_error(tmp_path: Path, mode: GenerationMode) -> None:
    with running(tmp_path) as (client, _):
        schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) == 5
        for operation in operations:

            @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def answered(case: Any) -> None:
                for token in ("acme-token", "admin-token", "unknown"):
                    case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

            if mode is GenerationMode.POSITIVE or operation.body:
                answered()
