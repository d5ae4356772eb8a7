"""scripts/token: a new token, and the line of the token file that accepts it."""

import argparse
import datetime as dt
import secrets
import sys
from collections.abc import Sequence

from sluice.tokens import TENANT_ID, token_digest

TOKEN_BYTES = 32


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; wrong usage exits 2."""
    parser = argparse.ArgumentParser(
        prog="scripts/token",
        description="Make a token. Prints the token, which is shown only now, and the line that belongs under"
        " `tokens:` in the file named by SLUICE_TOKENS_FILE. A running server takes the file up at once.",
    )
    parser.add_argument(
        "--role", choices=("tenant", "operator", "admin"), help="default: tenant, with --tenant-id"
    )
    parser.add_argument("--tenant-id", help="the tenant whose data the token may read and write")
    parser.add_argument(
        "--expires", type=dt.date.fromisoformat, metavar="YYYY-MM-DD", help="first day it fails (UTC)"
    )
    options = parser.parse_args(arguments)
    options.role = options.role or ("tenant" if options.tenant_id else None)
    if options.role is None:
        parser.error("give --tenant-id ID, or --role operator, or --role admin")
    if options.role == "tenant" and not TENANT_ID.fullmatch(options.tenant_id or ""):
        parser.error("--role tenant needs --tenant-id: 1 to 64 of a-z, 0-9, '_' and '-'")
    if options.role != "tenant" and options.tenant_id:
        parser.error(f"--role {options.role} takes no --tenant-id")
    return options


def token_line(token: str, role: str, tenant_id: str | None, expires: dt.date | None) -> str:
    """The entry of the token file; digits-only ids are quoted so that YAML keeps them text."""
    parts = [f"sha256: {token_digest(token).hex()!r}".replace("'", '"'), f"role: {role}"]
    if tenant_id:
        parts.append(f'tenant_id: "{tenant_id}"')
    if expires:
        parts.append(f"expires: {expires}")
    return f"  - {{{', '.join(parts)}}}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = parse_arguments(arguments)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    print(f"token: {token}")
    print(token_line(token, options.role, options.tenant_id, options.expires))
    return 0


if __name__ == "__main__":
    sys.exit(main())
