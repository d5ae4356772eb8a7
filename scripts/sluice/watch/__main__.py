"""The command line of scripts/watch."""

import argparse
import contextlib
import datetime as dt
import gc
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING

from sluice import durable
from sluice.home import data_home
from sluice.watch.changes import changed_folders, code_version, list_landing, notices, why_not_importable
from sluice.watch.loop import Plan

if TYPE_CHECKING:
    from sluice.watch.builds import Build, Builder

PARSE_AGAIN_SECONDS = 60.0
"""A project that could not be parsed, and has not changed since, is tried again after this long."""
BREATH_SECONDS = 0.05
"""Between two builds: long enough for a command that waits for the warehouse to get in."""

EPILOG = """\
When files arrive, what depends on their feeds is built, tested and published, in a second or a few. Lake and reports,
and tests of the rest, follow with builds of everything: at the start, when nothing arrives for 20 s, every 10 minutes,
after a failure or a change of the code, and when somebody else has built. Code that cannot be imported or parsed is
waited for, as is a moment at which the system gives no notices of files: there is a look every 3 s then.

The warehouse is open during builds only. A dbt command beside it waits for its turn (SLUICE_WAIT_SECONDS, default 60),
and the watcher waits for that one. SIGTERM or Ctrl-C: the running build is finished first; a second one breaks it off,
which does no harm: the next build completes it.

Reads SLUICE_HOME, SLUICE_LANDING, SLUICE_PUBLISHED and what dbt build reads (see .env.example).
exit codes: 0 stopped by a signal, or --once and the build went well; 1 it failed; 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch until a signal comes, or build once. Returns the exit code."""
    options = _parse(arguments)
    os.environ["SLUICE_HOME"] = str(data_home().root)  # dbt's working folder is the checkout
    durable.keep_private()
    data_home().prepare()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _stop(stop))
    try:
        return _once() if options.once else _watch(options.interval, stop)
    except KeyboardInterrupt:
        say("broken off")
        return 0 if not options.once else 1


def _once() -> int:
    from sluice.watch.builds import Builder, BuildError

    try:
        build = Builder().whole()
    except BuildError as error:
        say(str(error))
        return 1
    report(build)
    return 0 if build.succeeded else 1


def _watch(interval: float, stop: Event) -> int:
    home = data_home()
    code = code_version()
    builder = _parsed_project()
    if builder:
        say(f"watching {home.landing}")
    _collect_garbage_between_builds()
    plan = Plan(builder.project.feeds if builder else ())
    parse_again = time.monotonic() + PARSE_AGAIN_SECONDS
    seen: Mapping[str, tuple[int, ...]] = {}
    ours: str | None = None
    for _ in notices(home.landing, interval, stop, say):
        if (found := code_version()) != code:
            code = found
            problem = why_not_importable()
            if problem is None:
                _restart()
            say(f"the code has changed and cannot be imported ({problem}); waiting for a change of the code")
            builder, parse_again = None, float("inf")
        if builder is None and time.monotonic() > parse_again:
            builder = _parsed_project()
            plan.feeds = builder.project.feeds if builder else ()
            parse_again = time.monotonic() + PARSE_AGAIN_SECONDS
        if builder is None:
            continue
        listing = list_landing(home.landing)
        while not stop.is_set():
            plan.note_changes(changed_folders(seen, listing), time.monotonic())
            feeds = plan.next_build(time.monotonic())
            if feeds is None:
                break
            if feeds and builder.last_run() != ours:
                feeds = []  # somebody else has built: with other code, perhaps, or another warehouse
            build = builder.of_feeds(feeds) if feeds else builder.whole()
            report(build)
            if build.succeeded:
                seen, plan.waiting, ours = listing, set(), builder.last_run()
            plan.note_build(feeds, build.succeeded, time.monotonic())
            pause = time.monotonic() + max(BREATH_SECONDS, interval - build.seconds)
            gc.collect()
            stop.wait(max(0.0, pause - time.monotonic()))
            listing = list_landing(home.landing)
    say("stopped")
    return 0


def _parsed_project() -> "Builder | None":
    """The project as it is now; None, and a line that says why, where it cannot be used: a file is half saved, say."""
    try:
        from sluice.watch.builds import Builder

        return Builder()
    except Exception as error:
        named = "" if type(error).__name__ == "BuildError" else f"{type(error).__name__}: "
        say(f"{named}{error}; waiting for a change of the code")
        return None


def _collect_garbage_between_builds() -> None:
    """A build leaves a hundred thousand objects in circles, and the collector would look for them while it runs, in the
    parsed project as well, which stays: a tenth of the time of a small build."""
    gc.collect()
    gc.freeze()
    gc.disable()


def report(build: "Build") -> None:
    """One line per build, and one per problem."""
    what = ", ".join(build.touched) or "everything"
    counts = f"{build.files} files, {build.records} records, {build.quarantined} quarantined"
    say(f"{what}: {counts}, {build.seconds:.1f} s" + ("" if build.succeeded else ", FAILED"))
    for problem in build.problems:
        say(f"  {problem}")


def say(text: str) -> None:
    """A line of the log, with the time in UTC."""
    print(f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ} {text}", file=sys.stderr, flush=True)


def _stop(stop: Event) -> None:
    if stop.is_set():
        raise KeyboardInterrupt
    stop.set()
    say("stopping after the running build, if there is one; once more breaks it off")


def _restart() -> None:
    """The code has changed: this process becomes a new one, with all of it read again."""
    say("the code has changed: starting again with it")
    os.umask(durable.child_umask())
    os.execv(sys.executable, [sys.executable, "-m", "sluice.watch", *sys.argv[1:]])  # noqa: S606


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/watch",
        description="Build what changed when files arrive in the landing zone; every build is one line of the log.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="build what is there now, and exit")
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=1.0,
        metavar="S",
        help="seconds from the start of one build to the next, at least (default: 1)",
    )
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 86_400:
            return float(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 to 86400")


if __name__ == "__main__":
    sys.exit(main())
