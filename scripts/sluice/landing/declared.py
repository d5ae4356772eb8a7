"""The feeds that the project declares, read from its YAML: for commands that work without dbt."""

from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sluice.home import PROJECT_ROOT
from sluice.landing.feed import FeedFormat, Limits, Options


@cache
def declared_feeds(root: Path = PROJECT_ROOT) -> dict[str, FeedFormat]:
    """Each feed of the source `landing` and how its files are read, as the macro landing_feed has it."""
    limits = _limits(root)
    feeds = {}
    for table in _landing_tables(root):
        meta = _meta(table)
        columns = {
            column["name"]: (column["name"], *_meta(column).get("aliases", []))
            for column in table.get("columns") or []
        }
        if columns:
            given = {field.name: meta.get(field.name) for field in fields(Options)}
            options = Options(**{name: None if value == "auto" else value for name, value in given.items()})
            feeds[table["name"]] = FeedFormat(
                columns, tuple(meta.get("key", ())), table["name"], options, limits
            )
    return feeds


def _landing_tables(root: Path) -> list[dict[str, Any]]:
    return [
        table
        for path in sorted((root / "models").rglob("*.yml"))
        for source in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("sources") or []
        if source["name"] == "landing"
        for table in source.get("tables") or []
    ]


def _meta(declared: dict[str, Any]) -> dict[str, Any]:
    return {**(declared.get("meta") or {}), **((declared.get("config") or {}).get("meta") or {})}


def _limits(root: Path) -> Limits:
    project_vars = (yaml.safe_load((root / "dbt_project.yml").read_text(encoding="utf-8")) or {}).get(
        "vars"
    ) or {}
    given = {**project_vars, **(project_vars.get("sluice") or {})}
    return Limits(**{field.name: given[field.name] for field in fields(Limits) if field.name in given})
