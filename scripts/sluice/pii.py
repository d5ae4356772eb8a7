"""The key that personal data is hashed with before it is published."""

import os
import re
import secrets
from pathlib import Path

from sluice import durable
from sluice.home import data_home

LEAST_LETTERS = 8
"""Of SLUICE_PII_KEY. A shorter key could be found out by trying all of them on a hash whose value is known."""
LEAST_DIGITS = 32
"""Hexadecimal digits of a key file, of which Sluice itself writes twice as many."""


class PiiKeyError(RuntimeError):
    """There is no key that can be used; the message says why, and what to do."""


def pii_key() -> str:
    """SLUICE_PII_KEY, or a random key made once in the data home (pii.key, mode 0600).

    Another key changes every published `*_key` with the next build, so that they no longer match earlier ones, and
    people who were forgotten are no longer recognised in files that come. Raises PiiKeyError, OSError.
    """
    given = os.environ.get("SLUICE_PII_KEY")
    if given:
        if len(given.strip()) < LEAST_LETTERS:
            raise PiiKeyError(
                f"SLUICE_PII_KEY has {len(given.strip())} letters; give it at least {LEAST_LETTERS}, better a random text of"
                " 32 or more, or leave it out: then a random key is made and kept in SLUICE_HOME."
            )
        return given
    path = data_home().root / "pii.key"
    if not path.exists():
        _make(path)
    text = path.read_bytes().decode("utf-8", "replace").strip()
    if not re.fullmatch(f"[0-9A-Fa-f]{{{LEAST_DIGITS},}}", text):
        raise PiiKeyError(
            f"{path} holds no key: it must be at least {LEAST_DIGITS} hexadecimal digits, and has {len(text)} letters."
            " Bring it back from a backup. If there is none, remove the file: a new key is made, with which every published"
            " hash changes, and people who were forgotten have to be forgotten again."
        )
    return text


def _make(path: Path) -> None:
    """A key of 64 digits; whole, and on disk, before it has its name. Where two processes make one, the first one stays."""
    durable.make_folder(path.parent, is_public=True)
    aside = durable.Aside(path)
    try:
        aside.file.write(secrets.token_hex(32).encode())
        aside.finish(replace=False)
    finally:
        aside.give_up()
