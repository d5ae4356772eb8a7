"""scripts/bench service: the service feed against hand-written scripts, as a table, JSON and a plot."""

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from sluice.bench.arguments import how_many
from sluice.bench.process import Run
from sluice.bench.service_feed import run_round

ORDER = ("start-up", "a", "b", "c", "e", "d", "f first", "whole after d", "whole, nothing")


def main(arguments: list[str]) -> int:
    """Measure, print the table, write the files. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench service",
        description=__doc__,
        epilog="exit codes: 0 measured, 1 failed, 2 wrong usage",
    )
    parser.add_argument(
        "--rows",
        type=how_many,
        nargs="+",
        default=[100_000, 1_000_000],
        help="records, ascending (default: 100000 1000000)",
    )
    parser.add_argument(
        "--rounds", type=how_many, default=3, help="rounds per number of records (default: 3)"
    )
    parser.add_argument(
        "--out", type=Path, help="folder for bench.json and bench.png (default: none is written)"
    )
    options = parser.parse_args(arguments)
    results: dict[int, list[dict[str, Run]]] = {}
    with tempfile.TemporaryDirectory(prefix="sluice-bench.") as work:
        for rows in options.rows:
            for number in range(options.rounds):
                print(f"{rows:,} records, round {number + 1} of {options.rounds}", file=sys.stderr)
                try:
                    results.setdefault(rows, []).append(run_round(rows, Path(work)))
                except (RuntimeError, ValueError) as error:
                    print(f"scripts/bench service: {error}", file=sys.stderr)
                    return 1
    medians = {rows: _medians(rounds) for rows, rounds in results.items()}
    print(_table(medians))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "bench.json").write_text(
            json.dumps(
                {
                    rows: [{k: asdict(v) for k, v in r.items()} for r in rounds]
                    for rows, rounds in results.items()
                },
                indent=2,
            )
        )
        _plot(medians, options.out / "bench.png")
    return 0


def _medians(rounds: list[dict[str, Run]]) -> dict[str, Run]:
    return {
        name: Run(
            *(
                statistics.median(getattr(run[name], field) for run in rounds)
                for field in ("wall_s", "cpu_s", "peak_bytes")
            )
        )
        for name in ORDER
    }


def _table(medians: dict[int, dict[str, Run]]) -> str:
    """Medians per number of records, and the ratios that the README promises."""
    lines = []
    for rows, runs in medians.items():
        lines.append(f"\n{rows:,} records       wall s    cpu s   peak MB")
        lines += [
            f"{name:<20}{runs[name].wall_s:9.2f}{runs[name].cpu_s:9.2f}{runs[name].peak_bytes / 1e6:10.0f}"
            for name in ORDER
        ]
        first = runs["a"].wall_s - runs["start-up"].wall_s
        increment = runs["d"].wall_s - runs["e"].wall_s
        publishing = runs["f first"].wall_s - runs["start-up"].wall_s
        lines += [
            f"(a - start-up) / min(b, c)  {first / min(runs['b'].wall_s, runs['c'].wall_s):.2f}",
            f"memory a / b                {runs['a'].peak_bytes / runs['b'].peak_bytes:.2f}",
            f"(d - e) / (a - start-up)    {increment / first:.2f}",
            f"first publishing            {rows / publishing:,.0f} rows/s",
            f"publishing after d          {runs['whole after d'].wall_s - runs['whole, nothing'].wall_s:.2f} s",
        ]
    return "\n".join(lines)


def _plot(medians: dict[int, dict[str, Run]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    labels = {
        "a": "dbt build, first",
        "b": "DuckDB by hand",
        "c": "Polars",
        "d": "100,000 new records",
        "e": "nothing new",
    }
    for name, label in labels.items():
        axes.plot(list(medians), [runs[name].wall_s for runs in medians.values()], marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="records already there", ylabel="wall seconds (median)")
    axes.legend()
    figure.savefig(path, dpi=150)
