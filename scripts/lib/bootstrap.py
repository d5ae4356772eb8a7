"""The work of scripts/setup: a virtual environment, uv inside it, and the packages of uv.lock.

Runs on the machine's own Python (3.11 or newer) with nothing but the standard library. Arguments: the parts
asked for (spark, ingest, streams, dev). Exit codes: 0 ready, 1 not.
"""

import ast
import fcntl
import os
import shlex
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

UV = "uv==0.13.8"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = PROJECT_ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
TOOLS = ENVIRONMENT / ".tools"
"""Holds uv, away from the project's packages, so that a sync of those never removes it."""
STAMP = ENVIRONMENT / ".sluice-setup"
"""First line: checksums of what the environment was made from; second line: the parts it holds."""
STAMPED = ["uv.lock", "pyproject.toml", "scripts/lib/bootstrap.py"]
PIP_INSTALL = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
PARTS = ("spark", "ingest", "streams", "dev")

UV_FROM_PIP = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "trusted-host": "UV_INSECURE_HOST",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
"""pip's settings and the variables by which uv takes the same."""
OTHER_SOURCES = ("index-url", "extra-index-url", "no-index")
"""Settings of pip that send it elsewhere than to PyPI. The lock names PyPI's addresses, so pip itself
installs then, by the lock's versions and hashes."""


class SetupError(Exception):
    """What went wrong, and what to do about it, for people."""


def main(asked: list[str]) -> int:
    """Make .venv ready; the exit code."""
    started = time.monotonic()
    with (PROJECT_ROOT / "uv.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one setup at a time; the second then finds little to do
        parts = sorted(set(asked) | kept_parts(), key=PARTS.index)
        extent = " with " + ", ".join(parts) if parts else ""
        say(f"setting up .venv{extent} (a minute or two the first time)")
        try:
            make_environment()
            STAMP.write_text(f"unfinished\n{' '.join(parts)}\n")
            settings = pip_settings()
            install_uv()
            install_packages(parts, settings)
        except (SetupError, OSError) as error:
            print(f"scripts/setup: {error}", file=sys.stderr)
            return 1
        STAMP.write_text(f"{checksums()}\n{' '.join(parts)}\n")
    say(f"ready after {time.monotonic() - started:.0f} s")
    return 0


def kept_parts() -> set[str]:
    """The parts of an earlier setup, which stay."""
    try:
        return set(STAMP.read_text().splitlines()[1].split()) & set(PARTS)
    except (OSError, IndexError):
        return set()


def make_environment() -> None:
    """A virtual environment with pip. One whose Python does not start, or is too old, is made anew."""
    is_usable = succeeds([str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
    if is_usable and succeeds([str(PYTHON), "-c", "import pip"]):
        return
    builder = venv.EnvBuilder(with_pip=True, clear=not is_usable, symlinks=True, prompt="sluice")
    builder.create(ENVIRONMENT)


def install_uv() -> None:
    """uv, of one version, by pip: so it comes from wherever this machine gets its packages."""
    uv = TOOLS / "bin" / "uv"
    if uv.exists() and output([str(uv), "--version"]).split()[1:2] == [UV.partition("==")[2]]:
        return
    run([*PIP_INSTALL, "--upgrade", "--target", str(TOOLS), UV], f"could not install {UV} with pip")


def install_packages(parts: list[str], settings: dict[str, str]) -> None:
    """The locked packages. Nothing is removed that somebody added: a surplus package does no harm."""
    selection = ["--frozen", "--no-default-groups"]
    for part in parts:
        selection += ["--group", "dev"] if part == "dev" else ["--extra", part]
    variables = uv_variables(settings)
    uv = str(TOOLS / "bin" / "uv")
    problem = "could not install the packages of uv.lock"
    if not any(name in settings for name in OTHER_SOURCES):
        run([uv, "sync", "--inexact", "--quiet", *selection], problem, variables)
        return
    with tempfile.TemporaryDirectory(prefix="sluice-setup-") as folder:
        requirements = str(Path(folder) / "requirements.txt")
        export = [uv, "export", "--quiet", "--no-emit-project", *selection, "--output-file", requirements]
        run(export, "could not read uv.lock", variables)
        run([*PIP_INSTALL, "--require-hashes", "--no-deps", "-r", requirements], problem)


def pip_settings() -> dict[str, str]:
    """pip's configuration for installing, by the names of its options; its variables win over its files."""
    settings = {}
    for line in output([str(PYTHON), "-m", "pip", "config", "list"]).splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            settings[option] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def uv_variables(settings: dict[str, str]) -> dict[str, str]:
    """The environment in which uv behaves as this machine's pip does."""
    variables = {"UV_SYSTEM_CERTS": "1"} | dict(os.environ)
    variables |= {
        "UV_PROJECT": str(PROJECT_ROOT),
        "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT),
        "UV_PYTHON": str(PYTHON),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    variables.pop("VIRTUAL_ENV", None)
    for option, variable in UV_FROM_PIP.items():
        if option in settings:
            variables.setdefault(variable, settings[option])
    return variables


def checksums() -> str:
    """What scripts/setup compares: the output of cksum on one line."""
    return " ".join(output(["cksum", *STAMPED]).split())


def run(command: list[str], problem: str, variables: dict[str, str] | None = None) -> None:
    """Run a command; SetupError with its output when it fails."""
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise SetupError(
            f"{problem}:\n{(done.stderr or done.stdout).strip()}\n"
            f"The command was: {shlex.join(command)}\n"
            "Is the package index reachable from here? pip's configuration (pip config list) says which one,"
            " with which certificates and proxy. Then run scripts/setup again; it goes on where it stopped."
        )


def output(command: list[str]) -> str:
    """What a command prints; empty when it fails."""
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
    return "" if done.returncode else done.stdout


def succeeds(command: list[str]) -> bool:
    """Whether a command is there and exits 0."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def say(text: str) -> None:
    """Tell people on standard error what happens."""
    print(f"scripts/setup: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
