"""Runs commands of the project in processes of their own, with faults in them: `python -m tests.faults.worker HOME`.

dbt is loaded and the project parsed once; every run is a fork of that. Each line of standard input is a run to begin,
{"command", "arguments", "fault", "log", "note"}, which is answered with its process, {"pid"}; or {"wait": pid}, which is
answered with how it ended, {"status"} (negative: by that signal).
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.faults import commands, kinds, points
from tests.faults.power import Recorder
from tests.pipeline.harness import DataHome

COUNTS = "counts.json"


def main() -> None:
    """Serve runs until standard input ends."""
    home = DataHome(Path(sys.argv[1]))
    home.dbt("parse")
    print(json.dumps({"pid": os.getpid()}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                _run(home, asked)
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)


def _run(home: DataHome, asked: dict[str, Any]) -> None:
    """The forked process, which ends here."""
    code = 3
    try:
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        note, fault = Path(asked["note"]), asked["fault"]
        if fault and fault["kind"] == "power loss":
            Recorder(home.root, note / "kept").install()
        found = points.install()
        if fault:
            kinds.arm(found, fault, note)
        code = commands.COMMANDS[asked["command"]](home, found, *asked["arguments"])
        if fault and fault["kind"] == "power loss":
            found.strike(True)
        found.strike = None
        (note / COUNTS).write_text(json.dumps(found.counts))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
