"""What the stream benchmarks make of what they saw."""

import pytest

from sluice.bench import __main__ as bench
from sluice.bench.freshness import summary


def test_ages_are_summed_up_with_their_trend() -> None:
    found = summary([1.0] * 90 + [2.0] * 90 + [6.0] * 120)
    assert found == {
        "p50_seconds": 2.0,
        "p95_seconds": 6.0,
        "p95_seconds_of_first_third": 2.0,
        "p95_seconds_of_last_third": 6.0,
        "longest_seconds": 6.0,
    }


def test_streams_are_a_part_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["streams", "--help"])
    assert ended.value.code == 0
    assert "--rate" in capsys.readouterr().out
