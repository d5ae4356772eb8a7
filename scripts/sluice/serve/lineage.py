"""`/lineage`: the dbt documentation site from target/, or a page that says how to make it."""

import json
from pathlib import Path
from typing import Any

from datasette import Response

from sluice.home import PROJECT_ROOT, Home
from sluice.serve.csp import hashes, policy
from sluice.serve.errors import ApiError

KEPT_OFF_THE_SITE = ("compiled_code", "compiled_path", "root_path", "build_path")
"""Compiled SQL names landing files, and files carry names that not everybody may read."""
FIRST = '<script src="/assets/lineage.js" nonce="{}"></script>'
"""Runs before the site's own scripts."""


def public_manifest(text: str) -> str:
    """The manifest without what was compiled for this machine's files."""
    manifest = json.loads(text)
    manifest.get("metadata", {}).pop("env", None)
    for kind in ("nodes", "sources", "macros", "exposures"):
        for node in manifest.get(kind, {}).values():
            for key in KEPT_OFF_THE_SITE:
                node.pop(key, None)
    return json.dumps(manifest, separators=(",", ":"))


def without_folders(text: str, home: Home) -> str:
    """The text without where on this machine things are."""
    for folder, name in (
        (home.landing, "landing"),
        (home.published, "published"),
        (home.root, "$SLUICE_HOME"),
    ):
        text = text.replace(json.dumps(str(folder))[1:-1], name)
    return text.replace(json.dumps(str(PROJECT_ROOT))[1:-1], ".")


class Files:
    """The site's files, prepared once per version."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._kept: dict[Path, tuple[int, str]] = {}

    def read(self, path: Path) -> str | None:
        """A file's text as it is served, or None when it is not there."""
        try:
            modified = path.stat().st_mtime_ns
            kept = self._kept.get(path)
            if kept is None or kept[0] != modified:
                text = path.read_text(encoding="utf-8")
                if path.name == "manifest.json":
                    text = public_manifest(text)
                elif path.name == "index.html":
                    text = text.replace('<div style="display:none">', "<div hidden>")
                kept = self._kept[path] = (modified, without_folders(text, self._home))
        except (OSError, ValueError):
            return None
        return kept[1]


TYPES = {"index.html": "text/html; charset=utf-8"}


async def lineage(datasette: Any, request: Any) -> Response:
    """GET /lineage, and the two files its page loads."""
    name = request.url_vars.get("name") or "index.html"
    if name not in ("index.html", "manifest.json", "catalog.json"):
        raise ApiError(404, "the lineage site has index.html, manifest.json and catalog.json")
    site = datasette.sluice
    text = site.lineage.read(site.catalog.target / name)
    if text is not None:
        headers = {"Cache-Control": "no-cache"}
        if name == "index.html":
            nonce = request.scope.get("nonce", "")
            headers["Content-Security-Policy"] = policy(hashes(text), f"'nonce-{nonce}'", is_eval=True)
            text = text.replace("<head>", f"<head>{FIRST.format(nonce)}", 1)
        return Response(
            text, headers=headers, content_type=TYPES.get(name, "application/json; charset=utf-8")
        )
    if name != "index.html":
        raise ApiError(404, f"{name} has not been made yet; run scripts/run, or dbt docs generate")
    body = await datasette.render_template(["no_lineage.html"], {}, request=request)
    return Response.html(body, status=404)
