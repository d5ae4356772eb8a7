"""dbt writes what it was asked, and what it shows, into its own log and artifacts: take a person's value out of them."""

import json
from collections.abc import Iterable
from pathlib import Path

from sluice import durable

TEXTS = (".json", ".sql", ".log", ".txt", ".html", ".yml", ".csv")
TAKEN_OUT = b"(forgotten)"


def wipe(value: str, folders: Iterable[Path]) -> int:
    """Take the value out of the texts below these folders, in every way in which it may be written there.

    Args:
        value: as it was given on the command line.
        folders: dbt's folders of logs and of artifacts.
    Returns: how many files held it.
    """
    forms = _forms(value.strip())
    changed = 0
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() and forms else ():
            if path.is_file() and (path.suffix in TEXTS or ".log" in path.suffixes):
                try:
                    before = after = path.read_bytes()
                except OSError:
                    continue
                for form in forms:
                    after = after.replace(form, TAKEN_OUT)
                if after != before:
                    durable.write(path, after)
                    changed += 1
    return changed


def _forms(value: str) -> list[bytes]:
    """The value as it is, in a SQL literal, in JSON (with and without letters outside ASCII) and as Python writes it, the
    longest first."""
    texts = {
        value,
        value.replace("'", "''"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
    }
    texts |= {json.dumps(text)[1:-1] for text in texts}
    return sorted((text.encode() for text in texts if text), key=len, reverse=True)
