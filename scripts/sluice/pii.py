"""The key that personal data is hashed with before it is published."""

import contextlib
import os
import secrets

from sluice.home import data_home


def pii_key() -> str:
    """SLUICE_PII_KEY, or a random key made once in the data home (pii.key, mode 0600).

    Another key changes every published `*_key` with the next build, so that they no longer match earlier ones, and
    people who were forgotten are no longer recognised in files that come.
    """
    given = os.environ.get("SLUICE_PII_KEY")
    if given:
        return given
    path = data_home().root / "pii.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text().strip()
