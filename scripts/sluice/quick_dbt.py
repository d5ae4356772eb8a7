"""Work that dbt does again for every node and query, done once. Nothing here changes what dbt does.

dbt is made for one command per process and for minutes of SQL. Here a build of one feed is two seconds long, and more
than half of it was Python (measured on 2026-11-27 with dbt-core 1.11, 33 nodes, by yappi):

- each node makes two Jinja contexts, and copies 800 macros into each through a search of five dictionaries;
- each result that is fetched makes seven new parsers of types, with calendars of many languages;
- the same 600 templates are compiled by every command, and again by every build of a process;
- a thousand log lines are made of protocol buffers, even where no log is written.

`spare_work` is for every dbt command, `spare_work_between_builds` for a process that builds again and again.
tests/dbt/test_quick_dbt.py compares each with dbt's own; without this module everything works, only slower.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import sha1
from pathlib import Path
from typing import Any

import jinja2
from dbt.context import macros
from dbt_common.clients import agate_helper
from dbt_common.clients.jinja import MACRO_DEBUGGING
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager

TEMPLATES = 10_000
"""Compiled templates that are kept; the project has about a thousand."""

TEMPLATES_FOLDER = Path(__file__).resolve().parents[2] / "target" / "templates"
"""Where they are kept from one command to the next. It may go at any time, as `dbt clean` does it."""


def spare_work() -> None:
    """Flat macro namespaces, one type tester for each set of text columns, and compiled templates that are kept."""
    macros.MacroNamespace = Namespace  # type: ignore[misc, assignment]
    agate_helper.build_type_tester = _build_type_tester
    if not MACRO_DEBUGGING:
        jinja2.Environment.compile = _compile  # type: ignore[method-assign, assignment]


def spare_work_between_builds() -> None:
    """Events that nobody would see are not made."""
    EventManager.fire_event = _fire_event  # type: ignore[method-assign, assignment]


_MacroNamespace = macros.MacroNamespace


class Namespace(dict):
    """dbt's MacroNamespace as a dictionary: Jinja copies it at once. No macro is added once it is made."""

    def __init__(self, **searched: dict[str, Any]) -> None:
        self._searched = _MacroNamespace(**searched)
        for members in reversed(list(self._searched._search_order())):
            self.update(members)  # the first that is searched wins

    def get_from_package(self, package_name: str | None, name: str) -> Any:
        """See dbt."""
        return self._searched.get_from_package(package_name, name)


_new_type_tester = agate_helper.build_type_tester


def _build_type_tester(
    text_columns: Iterable[str], string_null_values: Iterable[str] | None = ("null", "")
) -> Any:
    """A tester keeps nothing of the tables that it has seen."""
    return _known_type_tester(tuple(text_columns), tuple(string_null_values or ()))


@lru_cache(maxsize=1_000)
def _known_type_tester(text_columns: tuple[str, ...], string_null_values: tuple[str, ...]) -> Any:
    return _new_type_tester(text_columns, string_null_values)


_new_code = jinja2.Environment.compile


def _compile(environment: jinja2.Environment, source: Any, *more: Any, **options: Any) -> Any:
    """The code of a template depends on its text and on the kind of environment."""
    if not isinstance(source, str) or more or options:
        return _new_code(environment, source, *more, **options)
    known = (type(environment), source)
    if known not in _code:
        if len(_code) >= TEMPLATES:
            _code.clear()
        _code[known] = _stored_code(environment, source)
    return _code[known]


_code: dict[tuple, Any] = {}


def _stored_code(environment: jinja2.Environment, source: str) -> Any:
    store = _store()
    if store is None:
        return _new_code(environment, source)
    kind = type(environment)
    name = f"{kind.__module__}.{kind.__qualname__} {sha1(source.encode(), usedforsecurity=False).hexdigest()}"
    bucket = store.get_bucket(environment, name, None, source)
    if bucket.code is None:
        bucket.code = _new_code(environment, source)
        with suppress(OSError):
            store.set_bucket(bucket)
    return bucket.code


@cache
def _store() -> jinja2.FileSystemBytecodeCache | None:
    """Jinja's own, which knows the versions of Python and Jinja that a file was made by; None where it can't be written."""
    try:
        TEMPLATES_FOLDER.mkdir(parents=True, exist_ok=True)
        store = jinja2.FileSystemBytecodeCache(str(TEMPLATES_FOLDER))
        if sum(1 for _ in TEMPLATES_FOLDER.iterdir()) > TEMPLATES:
            store.clear()
    except OSError:
        return None
    return store


_fire = EventManager.fire_event


def _fire_event(
    manager: EventManager, e: BaseEvent, level: EventLevel | None = None, *more: Any, **options: Any
) -> None:
    """Without a logger only warnings, errors and what macros print reach anyone (sluice.watch.builds.show)."""
    is_minor = (level or e.level_tag()) in (EventLevel.TEST, EventLevel.DEBUG, EventLevel.INFO)
    if manager.loggers or not is_minor or type(e).__name__ == "PrintEvent":
        _fire(manager, e, level, *more, **options)
