"""The dbt-duckdb plugin: what SQL cannot do, offered to SQL as functions.

dbt loads this module (profiles.yml names it) and calls the hooks of `Plugin` when it opens the warehouse.
Each function is documented where it is defined; macros under macros/ are their only callers.
"""

import gc
import itertools
import os
import sys
import threading
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt_common.events.event_manager_client import add_callback_to_manager
from dbt_common.exceptions import DbtDatabaseError

from sluice import durable
from sluice.archive.sql_functions import register_archive_functions
from sluice.classification.sql_functions import register_classify_functions
from sluice.deliver.outlets import deliver
from sluice.forget.sql_functions import register_forget_functions
from sluice.home import Home, data_home
from sluice.landing.listing import walk_landing
from sluice.landing.sql_functions import register_landing_functions
from sluice.pii import pii_key
from sluice.quick_dbt import spare_work
from sluice.warehouse import DamageWatch, open_warehouse, upgrade_warehouse

MEMORY_PER_THREAD_MB = 512
"""What DuckDB may use at least before it spills to disk. See default_memory_limit."""
FILES_LOOKED_AT = 5_000
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
COMPRESSION_RATIO = 6
"""What CSV is to its compressed size, about."""


class _WithoutPandas(MetaPathFinder):
    """DuckDB and pyarrow import pandas where it is installed, although nothing in a build uses it: 1 to 3 seconds
    of every dbt command. They do without it when it cannot be found. A Python model that asks for it gets it."""

    def find_spec(self, fullname, path=None, target=None):
        """Find nothing, and end the search where a library asks for pandas. (What DuckDB imports from C++ is asked for by
        who called it.)"""
        if fullname == "pandas" and _importer() in NEED_NO_PANDAS:
            raise ModuleNotFoundError("pandas is left out of dbt's process", name=fullname)


NEED_NO_PANDAS = frozenset(
    {"adbc_driver_manager", "agate", "dbt", "dbt_common", "duckdb", "pyarrow", "sluice"}
)


def _importer() -> str:
    """The package whose code runs an import."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).split(".")[0]
        if package != "importlib" and frame.f_globals is not globals():
            return package
        frame = frame.f_back
    return ""


class Plugin(BasePlugin):
    """Prepares the data home and the connection of every dbt command."""

    def initialize(self, plugin_config: dict) -> None:
        """Create the folders that a first build needs: DuckDB opens no file in an absent one. What this process writes from
        now on is its user's own, where it does not say otherwise."""
        if not any(isinstance(finder, _WithoutPandas) for finder in sys.meta_path):
            sys.meta_path.insert(0, _WithoutPandas())
            spare_work()
            # The parsed project stays; the collector need not walk it again and again: 0.4 s of a build with nothing new.
            gc.freeze()
            gc.set_threshold(1_000_000, 50, 100)
        durable.keep_private()
        home = data_home()
        home.prepare()
        add_callback_to_manager(DamageWatch(home.warehouse))
        self._opened: duckdb.DuckDBPyConnection | None = None

    def update_connection_config(self, creds, config: dict) -> None:
        """Leave DuckDB's own number of threads in force unless SLUICE_THREADS names another; without
        SLUICE_MEMORY_LIMIT, default_memory_limit. Then wait for the warehouse, open it, and upgrade its format: dbt gets
        what is open."""
        threads = int(config.get("threads") or 0) or os.cpu_count() or 1
        if str(config.get("threads", "0")) == "0":
            config.pop("threads", None)
        if config.get("memory_limit") == "auto":
            config["memory_limit"] = f"{default_memory_limit(data_home(), threads)}MB"
        if not (creds.path.startswith(":memory:") or creds.is_motherduck):
            warehouse = Path(creds.path)
            self._opened = upgrade_warehouse(open_warehouse(warehouse, config), warehouse, config)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register the functions."""
        register_landing_functions(conn)
        register_archive_functions(conn)
        register_forget_functions(conn)
        register_classify_functions(conn)
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Give each connection the key for personal data as a variable, so that it appears in no compiled SQL."""
        cursor.execute("set variable pii_key = $key", {"key": pii_key()})
        _cursors.current = cursor

    def store(self, target_config: TargetConfig) -> None:
        """Do what a macro asks for, on the connection of the node that asks: deliver, whose mapping gets what was `delivered`,
        or try_statements.

        Raises DbtDatabaseError when something cannot be delivered.
        """
        asked, cursor = target_config.config, _cursors.current
        if target_config.location and target_config.location.format == "deliver":
            try:
                asked["delivered"] = deliver(cursor, data_home(), asked)
            except Exception as problem:  # dbt knows its own errors only
                raise DbtDatabaseError(f"{type(problem).__name__}: {problem}") from problem
        else:
            _try_statements(cursor, asked)


def _try_statements(cursor: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> None:
    """Run statements of which one may fail: `asked` then gets the `problem`, the transaction is rolled back, and another
    one begun."""
    try:
        cursor.execute(asked["statements"])
    except duckdb.Error as problem:
        cursor.execute("rollback")
        cursor.execute("begin transaction")
        asked["problem"] = {
            "kind": type(problem).__name__,
            "message": str(problem),
            "is_of_data": isinstance(problem, ERRORS_OF_DATA),
        }


def default_memory_limit(home: Home, threads: int) -> int:
    """What DuckDB may use before it spills, in MB: as much as the landing files or the warehouse are large, at least
    MEMORY_PER_THREAD_MB for each thread, at most three quarters of the machine's memory.

    More makes builds no faster, but not every operator spills: 10 million events need 1 GB, 50 million need more. Of
    very many files the first FILES_LOOKED_AT are counted, because this is asked at the start of every command.
    """
    warehouse = home.warehouse.stat().st_size if home.warehouse.exists() else 0
    landed = sum(
        file.size_bytes * (COMPRESSION_RATIO if file.file.lower().endswith(COMPRESSED) else 1)
        for file in itertools.islice(walk_landing(home.landing), FILES_LOOKED_AT)
    )
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = max(warehouse, landed, max(2, threads) * MEMORY_PER_THREAD_MB * 1_000_000)
    return min(wanted, machine * 3 // 4) // 1_000_000


ERRORS_OF_DATA = (
    duckdb.IOException,
    duckdb.InvalidInputException,
    duckdb.OutOfMemoryException,
    duckdb.DataError,
)
"""What a file can do to the statement that reads it."""

_cursors = threading.local()
"""`current`: the connection of this thread's node."""
