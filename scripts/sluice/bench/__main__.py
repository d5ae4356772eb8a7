"""The command line of scripts/bench: one word names what is measured."""

import sys
from importlib import import_module

MEASUREMENTS = {
    "service": "the service feed against hand-written scripts: first build, increments, publishing",
    "shop": "ten days of the shop against a hand-written script, and a late customers file",
    "classify": "transactions classified: the client alone, and from landing file to published table",
    "ingest": "events taken over HTTP, bulk and single, each answer durable",
    "tenants": "a hundred tenants: from POST to visible, and reading while builds run",
    "http": "/metrics over HTTP: one service and one hour of a million rows",
    "streams": "topics landed: catching up, and from produce to queryable",
}
USAGE = "usage: scripts/bench WHAT [options]"
HELP = f"""{USAGE}

Measure on this machine; figures are ratios within one run, or whole processes. WHAT is one of

{chr(10).join(f"  {name:<9} {what}" for name, what in MEASUREMENTS.items())}

scripts/bench WHAT --help says more.
exit codes: 0 measured, 1 failed (results that differ included), 2 wrong usage"""


def main(arguments: list[str]) -> int:
    """Hand over to the measurement that is named first. Returns the exit code."""
    name, *rest = arguments or [""]
    if name in ("-h", "--help"):
        print(HELP)
        return 0
    if name not in MEASUREMENTS:
        given = f"there is no measurement '{name}'" if name else "what is to be measured?"
        print(f"{USAGE}\nscripts/bench: {given}; one of {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    return import_module(f"sluice.bench.{name}").main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
