"""Who sent a request: the token file that the read side and the write side share.

`SLUICE_TOKENS_FILE` names a YAML file that holds digests, never tokens:

    tokens:
      - {sha256: <hex digest of the token>, role: tenant, tenant_id: acme, expires: 2027-01-31}
      - {sha256: …, role: operator}
      - {sha256: …, role: admin}

The file is read again when it changes. A file that has gone means no tokens. A file that cannot be read or
understood leaves the last good set in force (at the start: none, so nobody gets in), and `Tokens.problem` says what
is wrong. Every value is text as it stands there: `tenant_id: 010` is the tenant "010".
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal, cast

import yaml

TENANT_ID = re.compile(r"[a-z0-9_-]{1,64}")
"""The shape of a tenant id; use `fullmatch`."""

Role = Literal["tenant", "operator", "admin"]

_ROLES = ("tenant", "operator", "admin")
_KEYS = {"sha256", "role", "tenant_id", "expires"}
_ABSENT = ("", "~", "null")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token stands for."""

    role: Role
    tenant_id: str | None = None
    expires_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """True from the first moment of `expires_at` on."""
        return self.expires_at is not None and now >= self.expires_at


class TokensFileError(ValueError):
    """The token file cannot be used; the message names the file, the entry and the remedy."""


class Tokens:
    """The tokens of one file, reloaded when it changes. Safe to share between threads."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.problem: str | None = None
        self._key = secrets.token_bytes(32)
        self._lock = Lock()
        self._stamp: tuple[int, ...] | None = None
        self._identities: dict[bytes, tuple[bytes, Identity]] = {}
        self._refresh()

    @classmethod
    def from_environment(cls) -> "Tokens":
        """The tokens of SLUICE_TOKENS_FILE; none at all where it is unset or empty."""
        name = os.environ.get("SLUICE_TOKENS_FILE")
        return cls(Path(name).absolute() if name else None)

    @property
    def configured(self) -> bool:
        """True when a token file is named, whether or not it can be read."""
        return self.path is not None

    def check(self) -> str | None:
        """What is wrong with the file as it is now, or None."""
        self._refresh()
        return self.problem

    def __len__(self) -> int:
        self._refresh()
        return len(self._identities)

    def identify(self, bearer: str) -> Identity | None:
        """Who holds this token; None for an unknown or expired one.

        Digests are looked up under a key made afresh by every process and then compared in constant time,
        so neither the time taken nor the number of tokens says anything about a digest.
        """
        return self.identify_digest(token_digest(bearer))

    def identify_digest(self, digest: bytes) -> Identity | None:
        """The same for a token's digest, which is all that a sign-in cookie holds."""
        self._refresh()
        known, identity = self._identities.get(self._blind(digest), (b"", None))
        if not hmac.compare_digest(known, digest) or identity is None:
            return None
        return None if identity.is_expired(datetime.now(UTC)) else identity

    def _blind(self, digest: bytes) -> bytes:
        return hashlib.blake2b(digest, key=self._key, digest_size=16).digest()

    def _refresh(self) -> None:
        if self.path is None:
            return
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
        except OSError as error:
            if self._stamp is not None or self.problem is None:
                kept = {} if isinstance(error, FileNotFoundError) else self._identities
                self._replace(None, kept, f"{self.path}: {error.strerror or error}")
            return
        if stamp == self._stamp:
            return
        with self._lock:
            if stamp == self._stamp:
                return
            try:
                entries = read_tokens(self.path)
            except Exception as error:  # whatever it is, it must neither stop a server nor a request
                self._replace(stamp, self._identities, str(error))
                return
            self._replace(stamp, {self._blind(digest): (digest, who) for digest, who in entries}, None)

    def _replace(
        self,
        stamp: tuple[int, ...] | None,
        identities: dict[bytes, tuple[bytes, Identity]],
        problem: str | None,
    ) -> None:
        self._identities, self._stamp, self.problem = identities, stamp, problem
        if problem:
            _log.error("token file: %s", problem)


def token_digest(bearer: str) -> bytes:
    """What the token file holds of a token."""
    return hashlib.sha256(bearer.encode("utf-8", "surrogatepass")).digest()


def read_tokens(path: Path) -> list[tuple[bytes, Identity]]:
    """Every (digest, identity) of a token file; TokensFileError where it is not one."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TokensFileError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if document is None or document == "":
        return []
    if not isinstance(document, dict) or set(document) != {"tokens"}:
        raise TokensFileError(f"{path}: expected one top-level key, `tokens:`, holding a list")
    entries = [] if document["tokens"] in _ABSENT else document["tokens"]
    if not isinstance(entries, list):
        raise TokensFileError(f"{path}: `tokens:` must hold a list")
    found = [_entry(f"{path}: token {number}", entry) for number, entry in enumerate(entries, 1)]
    repeated = len(found) - len({digest for digest, _ in found})
    if repeated:
        raise TokensFileError(f"{path}: {repeated} digest(s) stand there more than once; keep one line each")
    return found


def _entry(where: str, entry: Any) -> tuple[bytes, Identity]:
    if not isinstance(entry, dict):
        raise TokensFileError(f"{where}: expected {{sha256: …, role: …}}")
    unknown = {str(key) for key in entry} - _KEYS
    if unknown:
        known = ", ".join(sorted(_KEYS))
        raise TokensFileError(f"{where}: unknown key {', '.join(sorted(unknown))}; known: {known}")
    digest = _text(entry, "sha256").lower()
    if not _DIGEST.fullmatch(digest):
        raise TokensFileError(f"{where}: sha256 must be 64 hexadecimal digits; `scripts/token` prints it")
    role = _text(entry, "role")
    if role not in _ROLES:
        raise TokensFileError(f"{where}: role {role!r} is none of {', '.join(_ROLES)}")
    tenant_id = _text(entry, "tenant_id").lower() or None
    if role == "tenant" and not TENANT_ID.fullmatch(tenant_id or ""):
        raise TokensFileError(f"{where}: role tenant needs a tenant_id of [a-z0-9_-]{{1,64}}")
    if role != "tenant" and tenant_id is not None:
        raise TokensFileError(f"{where}: role {role} takes no tenant_id")
    expires_at = _expiry(where, _text(entry, "expires"))
    return bytes.fromhex(digest), Identity(cast(Role, role), tenant_id, expires_at)


def _text(entry: dict[str, Any], key: str) -> str:
    """The value of a key as it is written, trimmed; an empty text where there is none."""
    text = str(entry.get(key, "")).strip()
    return "" if text in _ABSENT else text


def _expiry(where: str, text: str) -> datetime | None:
    """`expires` as an instant: a date means its first moment in UTC, an instant without a zone is UTC."""
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TokensFileError(f"{where}: expires {text!r} is not a date such as 2027-01-31") from None
