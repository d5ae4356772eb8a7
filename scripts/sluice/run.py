"""What scripts/run does once the environment stands: sample data, build, lineage site, summary, server."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

from sluice.home import PROJECT_ROOT, Home, data_home

SAMPLE = ("--rows", "20000", "--days", "3", "--seed", "1")
PREDICT_PORT = 8003
DBT = str(Path(sys.executable).with_name("dbt"))


class StopError(Exception):
    """The command ends here, with this exit code."""

    def __init__(self, code: int) -> None:
        self.code = code


def main(serve: bool, port: int) -> int:
    """Run the steps; the exit code."""
    home = data_home()
    os.environ["SLUICE_HOME"] = str(home.root)  # dbt runs in the checkout, wherever this command was given
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        if serve:
            check_port(port)
        if needs_sample_data(home):
            say(f"the landing zone {home.landing} is empty: writing sample data")
            step("sluice.generate", *SAMPLE, problem="no sample data could be written")
        with prediction_service():
            build()
            document()
            for line in summary(home):
                print(line)
            print(flush=True)
            return run_server(port) if serve else 0
    except StopError as stop:
        return stop.code
    except KeyboardInterrupt:
        say("stopped before it was done; run it again to go on")
        return 1


def check_port(port: int) -> None:
    """Find out before the work, not after it, that the port is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            say(f"port {port}: {error.strerror}. Is a server running already? Choose another with --port")
            raise StopError(1) from error


def needs_sample_data(home: Home) -> bool:
    """Nothing has landed, and nothing ever was: an archived landing zone is empty too, but full of data."""
    if any(path.is_file() for folder in (home.landing, home.archive) for path in folder.glob("**/*.*")):
        return False
    return not rows(home.published / "operations.db", "select 1 from file_loads limit 1")


@contextlib.contextmanager
def prediction_service() -> Iterator[None]:
    """The classification service beside build and server, unless SLUICE_PREDICT_URL names one."""
    if os.environ.get("SLUICE_PREDICT_URL"):
        yield
        return
    if importlib.util.find_spec("fastapi") is None:
        say("no prediction service, transactions stay unclassified: needs scripts/setup --ingest")
        yield
        return
    port = PREDICT_PORT if is_free(PREDICT_PORT) else 0
    command = [sys.executable, "-m", "sluice.predict_service", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT) as service:
        assert service.stderr
        line = service.stderr.readline().strip()
        if line.startswith("predict_service: http"):
            os.environ["SLUICE_PREDICT_URL"] = line.split()[1]
            Thread(target=shutil.copyfileobj, args=(service.stderr, sys.stderr), daemon=True).start()
        else:
            say(f"no prediction service, transactions stay unclassified: {line}")
        try:
            yield
        finally:
            service.terminate()


def is_free(port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def build() -> None:
    """dbt build; on failure say what failed and where to look."""
    if subprocess.run([DBT, "build"], cwd=PROJECT_ROOT).returncode:
        log = Path(os.environ.get("DBT_LOG_PATH") or PROJECT_ROOT / "logs") / "dbt.log"
        say(
            "the build failed: dbt's last lines above name the model or test, and the file with its SQL.\n"
            "  Tables of the feeds concerned stay as they were published; other feeds are up to date.\n"
            f"  The whole log: {log}. What is published: scripts/serve shows it all the same."
        )
        raise StopError(1)


def document() -> None:
    """The lineage site of what was just built. A server without it is still worth having."""
    command = [DBT, "--quiet", "docs", "generate", "--no-compile"]
    if subprocess.run(command, cwd=PROJECT_ROOT).returncode:
        say("the lineage site could not be made (messages above); everything else is there")


def summary(home: Home) -> list[str]:
    """What this build did, what was rejected most, and where to look next."""
    operations = home.published / "operations.db"
    last = rows(
        operations,
        "select files_loaded, records_read, rejected_count, round(seconds) from pipeline_runs"
        " order by started_at desc limit 1",
    )
    totals = rows(
        operations,
        "select count(*), sum(records_read), sum(clean_count), sum(duplicate_count), sum(quarantined_count),"
        " sum(forgotten_count)"
        " from file_loads where status in ('loaded', 'archived')",
    )
    lines = [""]
    if last:
        files, read, _, seconds = last[0]
        lines.append(f"This build: {files or 0} files, {read or 0} records, {seconds or 0:.0f} s.")
    if totals and totals[0][0]:
        files, read, clean, duplicates, quarantined, forgotten = (value or 0 for value in totals[0])
        lines.append(
            f"All files:  {files} files, {read} records ="
            f" {clean} clean + {duplicates} duplicates + {quarantined} quarantined"
            + (f" + {forgotten} forgotten." if forgotten else ".")
        )
    failed = "select file, error from file_loads where status = 'failed' order by file limit 5"
    lines += [f"  failed: {file}: {error}" for file, error in rows(operations, failed)]
    reasons = rows(
        operations,
        "select feed, value, count(*) from quarantine, json_each(reject_reasons)"
        " group by 1, 2 order by 3 desc, 1, 2 limit 5",
    )
    if reasons:
        lines.append("Rejected most often:")
        lines += [f"  {count:>8}  {feed}: {reason}" for feed, reason, count in reasons]
    lines.append(f"Published:  {home.published}/sluice.db; rejected records and the ledger: {operations}")
    return lines


def run_server(port: int) -> int:
    """Serve until Ctrl-C or SIGTERM; its exit code."""
    if service := os.environ.get("SLUICE_PREDICT_URL"):
        print(f"Prediction service, for builds beside this server: SLUICE_PREDICT_URL={service}", flush=True)
    with subprocess.Popen([sys.executable, "-m", "sluice.serve", "--port", str(port)]) as server:
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:
                continue  # the server has the signal too, and stops
            except SystemExit:
                server.terminate()


def step(module: str, *arguments: str, problem: str) -> None:
    """Run a module of the project; stop when it fails."""
    if subprocess.run([sys.executable, "-m", module, *arguments]).returncode:
        say(problem)
        raise StopError(1)


def rows(database: Path, query: str) -> list[tuple]:
    """The rows of a query; none where the file or the table is not there yet."""
    if not database.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def say(text: str) -> None:
    """Tell people on standard error what happens."""
    print(f"scripts/run: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] == "yes", int(sys.argv[2])))
