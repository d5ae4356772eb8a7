"""The outermost layer: who is asking, may they go on, and how long did it take."""

import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError
from typing import TYPE_CHECKING, Any

from datasette.utils import tilde_decode
from datasette.utils.asgi import Request
from itsdangerous import BadSignature

from sluice.serve.access import PAGES, actor_of, may_see
from sluice.serve.api import ROUTES
from sluice.serve.csp import policy
from sluice.serve.errors import ApiError, as_status, error_response, is_timeout, route_label
from sluice.serve.metrics import FORBIDDEN
from sluice.tokens import Identity

if TYPE_CHECKING:
    from sluice.serve.site import Site

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

COOKIE, COOKIE_SPACE = "sluice_session", "sluice-session"
POSTABLE = ("/sign-in", "/sign-out")
OPEN_INTROSPECTION = ("/-/static/", "/-/actor")
ADMIN_INTROSPECTION = ("versions", "plugins", "settings", "databases", "metadata", "threads")


def identify(site: "Site", request: Request) -> Identity | None:
    """Who sent the request: the bearer of a token, or of a sign-in cookie. A bad token is an error,
    a cookie whose token has gone is no longer anybody's."""
    given = [value for name, value in request.scope.get("headers") or [] if name.lower() == b"authorization"]
    if given:
        scheme, _, token = given[0].decode("latin-1").partition(" ")
        identity = (
            site.tokens.identify(token.strip()) if scheme.lower() == "bearer" and len(given) == 1 else None
        )
        if identity is None:
            raise ApiError(401, "this token is not known or has expired")
        return identity
    try:
        signed = request.cookies.get(COOKIE)
    except CookieError:
        raise ApiError(400, "the Cookie header cannot be read") from None
    if not signed:
        return None
    try:
        digest = bytes.fromhex(site.datasette.unsign(signed, COOKIE_SPACE))
    except (BadSignature, ValueError, TypeError):
        return None
    return site.tokens.identify_digest(digest)


def check_path(path: str, actor: dict[str, Any] | None) -> None:
    """Refuse what the actor may not see, with one answer whether it exists or not. Everything that is not
    a page of the server counts as the name of a database, so files added later are covered."""
    first = path.split("/")[1].partition(".")[0]
    if path == "/" or path.startswith(("/.json", *OPEN_INTROSPECTION)) or first in PAGES:
        return
    if first == "-":
        page = path.removeprefix("/-/").removesuffix(".json")
        allowed = page in ADMIN_INTROSPECTION and actor is not None and actor["role"] == "admin"
    elif first == "":
        raise ApiError(404, "there is nothing at this address")
    else:
        allowed = may_see(actor, tilde_decode(first)) or (actor is not None and actor["role"] == "admin")
    if not allowed:
        raise ApiError(403, FORBIDDEN)


class Gate:
    """Wraps the whole application: nothing reaches Datasette before it has been let through."""

    def __init__(self, app: Callable[..., Awaitable[None]], site: "Site") -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        watched = Watched(send, self._site, request)
        try:
            self._admit(request)
            route = ROUTES.get(request.path)
            if route is None:
                await self._app(scope, receive, watched)
            else:
                await (await route(self._site, request)).asgi_send(watched)
        except Exception as error:
            if watched.started:
                raise
            if is_timeout(error):
                self._site.counters.timeouts.inc()
            response = await error_response(self._site.datasette, request, *as_status(error))
            await response.asgi_send(watched)
        finally:
            watched.count()

    def _admit(self, request: Request) -> None:
        """Let the request through with its actor, or raise."""
        identity = identify(self._site, request)
        actor = actor_of(identity) if identity else None
        request.scope["actor"] = actor
        try:
            path = request.path.encode("latin-1").decode("ascii")
        except UnicodeDecodeError:
            raise ApiError(400, "the address holds bytes that are not percent-encoded") from None
        if request.method not in ("GET", "HEAD", "OPTIONS") and not (
            request.method == "POST" and path in POSTABLE
        ):
            raise ApiError(405, "nothing here can be written; use GET")
        if not path.startswith("/"):
            raise ApiError(400, "the address must begin with a slash")
        check_path(path, actor)


class Watched:
    """A `send` that adds the security headers and remembers status and time."""

    def __init__(self, send: Send, site: "Site", request: Request) -> None:
        self._send, self._site = send, site
        self._label = route_label(request.path)
        self._nonce = request.scope["nonce"] = secrets.token_urlsafe(16)
        self._began = time.perf_counter()
        self.status = 500
        self.started = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            headers = [pair for pair in message.get("headers", []) if pair[0].lower() != b"referrer-policy"]
            headers += [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
            if all(name.lower() != b"content-security-policy" for name, _ in headers):
                headers.append((b"content-security-policy", policy(f"'nonce-{self._nonce}'").encode()))
            message["headers"] = headers
        await self._send(message)

    def count(self) -> None:
        """Count the request once it is over."""
        with contextlib.suppress(ValueError):
            self._site.counters.requests.labels(self._label, str(self.status)).inc()
            self._site.counters.seconds.observe(time.perf_counter() - self._began)
