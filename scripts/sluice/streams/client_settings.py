"""Settings of the brokers' clients, and passwords among them: from the environment, from files, from the command line."""

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path

KAFKA_PREFIX = "SLUICE_KAFKA_"
_SECRET = re.compile(r"password|secret|token|credential|\.pem$", re.IGNORECASE)
_SHORTEST_HIDDEN = 4


def add_kafka_settings(command: argparse.ArgumentParser) -> None:
    """The options that `kafka_settings` reads."""
    command.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the Kafka client, such as security.protocol=SASL_SSL; may be repeated. Not for passwords:"
        " everybody on this machine sees them",
    )
    command.add_argument(
        "--config-file",
        type=Path,
        metavar="FILE",
        help="settings of the Kafka client, one NAME=VALUE per line; for passwords too. So are environment variables:"
        " SLUICE_KAFKA_SASL_USERNAME is sasl.username, SLUICE_KAFKA_SASL_PASSWORD is sasl.password",
    )


def add_pulsar_token(command: argparse.ArgumentParser) -> None:
    """The options that `pulsar_token` reads."""
    command.add_argument(
        "--token", metavar="T", help="authentication token; everybody on this machine sees it, so better:"
    )
    command.add_argument(
        "--token-file", type=Path, metavar="FILE", help="a file that holds the token, or SLUICE_PULSAR_TOKEN"
    )


def kafka_settings(
    options: argparse.Namespace, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The client's settings; the command line counts before the file, that before the environment. Raises ValueError,
    which never holds a value."""
    found = {
        name.removeprefix(KAFKA_PREFIX).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(KAFKA_PREFIX) and value
    }
    if options.config_file:
        lines = _read(options.config_file, "--config-file").splitlines()
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                found.update([_pair(line, f"--config-file {options.config_file}, line {number}")])
    found.update(_pair(each, f"--config number {number}") for number, each in enumerate(options.config, 1))
    return found


def pulsar_token(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> str | None:
    """The token, if there is one. Raises ValueError."""
    if options.token:
        return str(options.token)
    if options.token_file:
        token = _read(options.token_file, "--token-file").strip()
        if not token:
            raise ValueError(f"--token-file {options.token_file} is empty")
        return token
    return environment.get("SLUICE_PULSAR_TOKEN") or None


def secrets(settings: Mapping[str, str]) -> list[str]:
    """The values that no log may show."""
    return [
        value for name, value in settings.items() if _SECRET.search(name) and len(value) >= _SHORTEST_HIDDEN
    ]


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ValueError(f"{option} {path}: {why}") from None


def _pair(text: str, where: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{where}: expected NAME=VALUE")
    return name.strip(), value.strip()
