"""The brokers' jars: resolved once by Maven from Maven Central into a cache folder."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

KAFKA = ("org.apache.kafka", "kafka_2.13", "4.1.0")
PULSAR = ("org.apache.pulsar", "pulsar-broker", "4.0.7")
_FOREIGN = ("confluent", "maven.restlet.org", "bintray-maven", "jboss", "jitpack.io")


class NoBrokerError(RuntimeError):
    """A broker cannot be had on this machine; the message says what is missing."""


def cache_folder() -> Path:
    """Where jars are kept between runs: below XDG_CACHE_HOME, by default ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice" / "brokers"


def java() -> str:
    """The Java to run. Raises NoBrokerError."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if not found:
        raise NoBrokerError("no java on the PATH: install a Java 17 runtime")
    return found


def classpath(artifact: tuple[str, str, str]) -> str:
    """The class path of an artifact and all it needs, fetched when it is not in the cache. Raises
    NoBrokerError."""
    java()
    folder = cache_folder() / f"{artifact[1]}-{artifact[2]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            work = Path(scratch)
            problem = _resolve(artifact, work)
            if problem:
                raise NoBrokerError(f"Maven could not resolve {':'.join(artifact)}: {problem}")
            (work / "complete").touch()
            (work / "jars").mkdir(exist_ok=True)
            work.chmod(0o755)
            shutil.copytree(work, folder, dirs_exist_ok=True)
    return f"{folder / 'jars'}/*"


def _resolve(artifact: tuple[str, str, str], work: Path) -> str:
    """Copy the jars into work/jars; the problem, or nothing."""
    maven = shutil.which("mvn")
    if not maven:
        return "no mvn on the PATH"
    switched_off = "".join(
        f"<repository><id>{name}</id><url>file:///none</url><releases><enabled>false</enabled></releases>"
        "<snapshots><enabled>false</enabled></snapshots></repository>"
        for name in _FOREIGN
    )
    group, name, version = artifact
    (work / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>sluice</groupId><artifactId>brokers</artifactId><version>1</version><packaging>pom</packaging>"
        f"<repositories>{switched_off}</repositories>"
        f"<dependencies><dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency></dependencies></project>"
    )
    command = [maven, "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={work / 'jars'}"],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
    return (errors or [done.stderr.strip() or "mvn failed"])[0][:600]
