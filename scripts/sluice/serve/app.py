"""Puts the server together: Datasette, its settings, the plugin and the site's state."""

import secrets
from pathlib import Path
from typing import Any

from datasette import app as datasette_app
from datasette.plugins import pm

from sluice.home import Home
from sluice.serve import plugin
from sluice.serve.csp import WithNonces
from sluice.serve.limits import sql_limit_ms
from sluice.serve.site import Site
from sluice.tokens import Tokens

HERE = Path(__file__).parent
PLUGIN = "sluice"
REPLACED = [
    f"datasette.{name}"
    for name in (
        "default_permissions",
        "actor_auth_cookie",
        "default_menu_links",
        "handle_exception",
        "forbidden",
    )
]
"""Datasette's own permissions, cookies and errors: Sluice's plugin answers instead."""


class SluiceDatasette(datasette_app.Datasette):
    """A Datasette without scratch databases, whose other databases are made on demand."""

    def __init__(self, home: Home, tokens: Tokens, is_killable: bool, **options: Any) -> None:
        self.sluice = Site(self, home, tokens, is_killable)
        super().__init__(memory=True, **options)
        self.jinja_env.loader = WithNonces(self.jinja_env.loader)
        self.databases = self.sluice.databases
        self._root_token = None

    async def refresh_schemas(self) -> None:
        """No catalogue of everything is kept, so there is none to read."""

    def get_database(self, name: str | None = None, route: str | None = None) -> Any:
        """A database by name or route; the two are the same here."""
        return self.databases[route or name or "sluice"]


def settings() -> dict[str, Any]:
    """Datasette's settings, for a public read-only site."""
    return {
        "sql_time_limit_ms": sql_limit_ms(),
        "num_sql_threads": 0,
        "allow_download": False,
        "suggest_facets": False,
        "default_facet_size": 12,
        "default_cache_ttl": 0,
        "max_csv_mb": 0,
        "template_debug": False,
        "trace_debug": False,
    }


def make_app(
    home: Home, tokens: Tokens, secret: str | None = None, is_killable: bool = False
) -> SluiceDatasette:
    """A Datasette instance: the server's, or (killable) that of a page process."""
    for name in REPLACED:
        if pm.has_plugin(name):
            pm.unregister(name=name)
    if not pm.has_plugin(PLUGIN):
        pm.register(plugin, PLUGIN)
    return SluiceDatasette(
        home,
        tokens,
        is_killable,
        settings=settings(),
        template_dir=str(HERE / "templates"),
        static_mounts=[("assets", str(HERE / "static"))],
        secret=secret or secrets.token_hex(32),
    )
