"""Content-Security-Policy: only scripts and styles that this server wrote itself run on its pages.

Datasette's templates, and some of ours, have inline scripts and styles. Each page gets a nonce, and the *sources* of
the templates (never what is filled into them) get it at every `<script>` and `<style>`. Style attributes, which no
nonce can allow, are taken out; `sluice.css` has what they did.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from jinja2 import BaseLoader, Environment

OPENING = re.compile(r"<(script|style)\b")
STYLE_ATTRIBUTE = re.compile(r"""\sstyle="(?:\{\{.*?\}\}|\{%.*?%\}|[^"])*\"""", re.DOTALL)
RESIZE_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-38xqj8N9cygggde3AvM+xVgS15DUXTOhM9fjk0hLOS0='"
"""The style that Datasette's cm-resize adds: first empty, then with its text."""
SAFE_LINK = ('<a href="{{ url_csv }}">CSV</a>', '<a href="{{ url_csv }}&amp;_safe=1">CSV</a>')
SAFE_BOX = (
    '<label><input type="checkbox" name="_dl"> download file</label>',
    '<label><input type="checkbox" name="_dl"> download file</label>'
    ' <label><input type="checkbox" name="_safe" value="1" checked> safe for spreadsheets</label>',
)


def policy(inline: str, styles: str = RESIZE_STYLE, is_eval: bool = False) -> str:
    """The header's value.

    Args:
        inline: the sources of inline scripts and styles that are allowed: nonces or hashes.
        styles: further sources of styles.
        is_eval: whether scripts may compile text.
    """
    scripts = f"'self' {inline}" + " 'unsafe-eval'" * is_eval
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' {inline} {styles};"
        " img-src 'self' data:; font-src 'self' data:; object-src 'none'; frame-ancestors 'self';"
        " form-action 'self'; base-uri 'self'"
    )


def with_nonces(source: str) -> str:
    """A template's source with a nonce at each inline script and style, and CSV links that are safe to open."""
    source = STYLE_ATTRIBUTE.sub("", source)
    for found, replacement in (SAFE_LINK, SAFE_BOX):
        source = source.replace(found, replacement)
    return OPENING.sub(r'<\1 nonce="{{ nonce }}"', source)


class WithNonces(BaseLoader):
    """A template loader that changes the sources another one finds."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        """As the other loader, with nonces."""
        source, path, is_current = self._loader.get_source(environment, template)
        return with_nonces(source), path, is_current

    def list_templates(self) -> list[str]:
        """As the other loader."""
        return self._loader.list_templates()


class InlineText(HTMLParser):
    """Collects the scripts and styles inside a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._is_inside = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """One that is not loaded from elsewhere begins."""
        self._is_inside = tag in ("script", "style") and "src" not in dict(attributes)
        if self._is_inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        """It ends."""
        self._is_inside = False

    def handle_data(self, data: str) -> None:
        """Its text."""
        if self._is_inside:
            self.found[-1] += data


def hashes(page: str) -> str:
    """The sources that allow exactly the inline scripts and styles of a page that is served as it is."""
    parser = InlineText()
    parser.feed(page)
    digests = [hashlib.sha256(text.encode()).digest() for text in parser.found]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
