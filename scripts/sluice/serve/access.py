"""Who may see what: the one rule about databases, and the names they are served under."""

from collections.abc import Mapping
from typing import Any

from sluice.tokens import TENANT_ID, Identity

PUBLIC, OPERATIONS = "sluice", "operations"
PAGES = frozenset(
    ["health", "ready", "metrics", "events", "openapi", "api", "lineage", "prometheus"]
    + ["sign-in", "sign-out", "assets", "favicon"]
)
"""First path segments that are pages of the server itself."""
RESERVED = PAGES | {PUBLIC, OPERATIONS, "-"}
ESCAPE = "TENANT-"
"""Put before a tenant id that is also the name of a page; no tenant id holds a capital letter."""

Actor = Mapping[str, Any] | None


def actor_of(identity: Identity) -> dict[str, str | None]:
    """The identity as a Datasette actor; it holds nothing secret."""
    name = f"tenant {identity.tenant_id}" if identity.role == "tenant" else identity.role
    return {"id": name, "role": identity.role, "tenant_id": identity.tenant_id}


def tenant_database(tenant_id: str) -> str:
    """The name under which a tenant's database is served."""
    return ESCAPE + tenant_id if tenant_id in RESERVED else tenant_id


def tenant_of(database: str) -> str | None:
    """The tenant whose database has this name, or None when no tenant's could."""
    tenant_id = database.removeprefix(ESCAPE)
    valid = TENANT_ID.fullmatch(tenant_id) and tenant_database(tenant_id) == database
    return tenant_id if valid else None


def may_see_tenant(actor: Actor, tenant_id: str) -> bool:
    """A tenant sees itself, an admin sees every tenant, nobody else sees any."""
    if actor is None:
        return False
    return actor["role"] == "admin" or (actor["role"] == "tenant" and actor["tenant_id"] == tenant_id)


def may_see(actor: Actor, database: str) -> bool:
    """Whether the actor may see a database, existing or not. Whatever is not named here is denied."""
    if database == PUBLIC:
        return True
    if database == OPERATIONS:
        return actor is not None and actor["role"] in ("operator", "admin")
    tenant_id = tenant_of(database)
    return tenant_id is not None and may_see_tenant(actor, tenant_id)
