"""The macros that judge values (macros/vocabulary/cleaning), rendered outside dbt, so that every server judges by them.

`expression` gives the SQL that dbt would compile a macro's call to, with the vars of dbt_project.yml and the options of
the sources' YAML.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import duckdb
import jinja2
import yaml
from jinja2.runtime import Macro

from sluice.home import PROJECT_ROOT

WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\u200c\u200d\u2060\ufeff"
)
"""What is trimmed: Unicode's white space, and invisible characters."""


class _Return(BaseException):
    """dbt's `return`: the value of the macro that calls it."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _Node(dict[str, Any]):
    """A node of dbt's graph: its keys are attributes, too."""

    __getattr__ = dict.__getitem__


def expression(macro: str, *args: Any, project: Path = PROJECT_ROOT, **kwargs: Any) -> Any:
    """What a macro of macros/vocabulary/cleaning returns, mostly a DuckDB expression.

    Raises ValueError with dbt's message where dbt would stop compilation.
    """
    return getattr(_module(project), macro)(*args, **kwargs)


def trimmed(text: str) -> str:
    """The text without what the contract trims, empty where that leaves backslash N."""
    text = text.strip(WHITE_SPACE)
    return "" if text == "\\N" else text


@functools.cache
def null_words(feed: str) -> frozenset[str]:
    """The words, in lower case, that are null in keys, identifiers, instants and numbers of a feed."""
    return frozenset(expression("null_words", feed))


def project_vars(project: Path = PROJECT_ROOT) -> dict[str, Any]:
    """The vars of dbt_project.yml."""
    path = project / "dbt_project.yml"
    if not path.is_file():
        return {}
    declared = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("vars") or {}
    own = declared.get("sluice")
    return {**declared, **own} if isinstance(own, dict) else declared


@functools.cache
def _module(project: Path) -> Any:
    variables = project_vars(project)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "return": _give_back,
        "var": lambda name, default=None: variables.get(name, default),
        "adapter": SimpleNamespace(dispatch=lambda name, *_: getattr(_module(project), f"duckdb__{name}")),
        "exceptions": SimpleNamespace(raise_compiler_error=_refuse),
        "modules": SimpleNamespace(re=re),
        "target": SimpleNamespace(type="duckdb"),
        "execute": True,
        "graph": SimpleNamespace(sources=_sources(project)),
        "run_query": lambda sql: SimpleNamespace(rows=duckdb.connect().execute(sql).fetchall()),
    }
    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted((project / "macros" / "vocabulary" / "cleaning").glob("*.sql"))
    ]
    module = environment.from_string("\n".join(texts)).module
    for macro in vars(module).values():
        if isinstance(macro, Macro):
            # As dbt does it: Jinja itself has no `return`.
            macro._func = _returning(macro._func)
    return module


def _give_back(value: Any) -> NoReturn:
    raise _Return(value)


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def _returning(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except _Return as returned:
            return returned.value

    return call


def _sources(project: Path) -> dict[str, _Node]:
    """The tables of all sources as dbt's graph has them, as far as their options go."""
    found = {}
    for path in sorted((project / "models").rglob("*.yml")):
        for source in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("sources") or []:
            for table in source.get("tables") or []:
                found[f"{source['name']}.{table['name']}"] = _Node(
                    source_name=source["name"],
                    name=table["name"],
                    config={"meta": _meta(source) | _meta(table)},
                    columns={column["name"]: column for column in table.get("columns") or []},
                )
    return found


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return (node.get("meta") or {}) | ((node.get("config") or {}).get("meta") or {})
