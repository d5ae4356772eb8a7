"""The core against services that fail, lie and die: a wrong answer is never taken, everything else is."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.classify import Answer, Settings, classify

from .fakes import FAULTS, HONEST, LIES, STATUSES, FakeService, batches, fake_clock, rows, truth

LONG = Settings(max_seconds=1e9)


def ask_all(service: FakeService, count: int, size: int = 500, knobs: Settings = LONG) -> dict[str, Answer]:
    """Classify t0 to t<count>, check what must hold for any service, and return the answers by id."""
    found = list(classify(batches(count, size), service, knobs, clock=fake_clock()))
    by_id = {answer.id: answer for answer in found}
    assert Counter(answer.id for answer in found) == Counter(row["id"] for row in rows(count))
    for answer in found:
        assert answer.attempts == service.asked[answer.id], answer
        if answer.status == "classified":
            assert (answer.category, answer.model_version) == (truth(answer.id), "fake-1"), answer
            assert answer.error is None, answer
        else:
            assert answer.status in ("failed", "pending"), answer
            assert answer.category is None and answer.model_version is None and answer.error, answer
    return by_id


def statuses(answers: dict[str, Answer]) -> Counter[str]:
    return Counter(answer.status for answer in answers.values())


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(0, 60),
    size=st.integers(1, 25),
    in_flight=st.integers(1, 5),
    script=st.lists(st.sampled_from(FAULTS), max_size=80),
    bad_ids=st.frozensets(st.integers(0, 59).map(lambda number: f"t{number}"), max_size=8),
    bad=st.sampled_from([fault for fault in FAULTS if fault not in HONEST]),
)
def test_no_wrong_answer_is_ever_taken_and_no_id_is_lost(
    count: int, size: int, in_flight: int, script: list[str], bad_ids: frozenset[str], bad: str
) -> None:
    ask_all(FakeService(script, bad_ids, bad), count, size, Settings(in_flight=in_flight, max_seconds=1e9))


@settings(max_examples=100, deadline=None)
@given(
    bad_ids=st.frozensets(st.integers(0, 199).map(lambda number: f"t{number}"), max_size=20),
    bad=st.sampled_from(["400", "422", "500", "garbage", "a foreign id", "shorter", "null"]),
    size=st.integers(1, 200),
)
def test_bad_transactions_are_found_and_all_others_are_classified(
    bad_ids: frozenset[str], bad: str, size: int
) -> None:
    answers = ask_all(FakeService(bad_ids=bad_ids, bad=bad), 200, size)
    assert {i for i, answer in answers.items() if answer.status == "failed"} == bad_ids
    assert statuses(answers)["pending"] == 0


@pytest.mark.parametrize("order", sorted(HONEST))
def test_answers_in_any_order_are_matched_by_id(order: str) -> None:
    service = FakeService([order] * 10)
    answers = ask_all(service, 200, 50)
    assert {answer.status for answer in answers.values()} == {"classified"}
    assert service.requests == 4


@pytest.mark.parametrize("lie", sorted(LIES))
def test_a_lie_told_once_costs_one_more_request(lie: str) -> None:
    service = FakeService([lie])
    assert statuses(ask_all(service, 10)) == {"classified": 10}
    assert service.requests == 2


@pytest.mark.parametrize("lie", sorted(LIES))
def test_of_a_liar_nothing_is_taken_that_is_not_said_of_its_own_id(lie: str) -> None:
    service = FakeService([lie] * 100_000)
    answers = ask_all(service, 2_000)
    if lie != "unknown category":
        assert statuses(answers)["classified"] == 0
    assert service.requests < 500


@pytest.mark.parametrize("fault", [*map(str, STATUSES), "refused", "timeout", "garbage", "nothing"])
def test_a_service_that_only_fails_is_given_up_soon(fault: str) -> None:
    service = FakeService([fault] * 100_000)
    answers = ask_all(service, 20_000)
    assert statuses(answers)["classified"] == 0
    assert statuses(answers)["pending"] > 19_000
    assert service.requests < 500


@pytest.mark.parametrize("fault", ["refused", "timeout", "503", "401"])
def test_an_outage_is_never_blamed_on_a_transaction(fault: str) -> None:
    assert statuses(ask_all(FakeService([fault] * 1_000), 700)) == {"pending": 700}
    assert statuses(ask_all(FakeService([fault] * 1_000), 1)) == {"pending": 1}


def test_what_was_answered_before_the_service_died_is_kept() -> None:
    answers = ask_all(FakeService(["honest"] * 7 + ["refused"] * 1_000), 10_000)
    assert statuses(answers) == {"classified": 3_500, "pending": 6_500}
    never_asked = [answer for answer in answers.values() if answer.attempts == 0]
    assert never_asked and all("service unavailable" in str(answer.error) for answer in never_asked)


def test_a_service_that_comes_back_is_asked_again() -> None:
    answers = ask_all(FakeService(["refused"] * 7), 10_000)
    assert statuses(answers) == {"classified": 10_000}


def test_many_bad_transactions_in_one_place_do_not_end_the_run() -> None:
    bad = frozenset(f"t{number}" for number in range(1_000, 1_400))
    answers = ask_all(FakeService(bad_ids=bad), 10_000)
    assert statuses(answers)["classified"] == 9_600


def test_a_tail_of_nothing_but_bad_transactions_comes_to_an_end() -> None:
    bad = frozenset(f"t{number}" for number in range(40))
    assert statuses(ask_all(FakeService(bad_ids=bad), 40)) == {"failed": 40}


def test_unknown_categories_cost_only_their_own_transactions() -> None:
    answers = ask_all(FakeService(["unknown category"] * 100), 9, 9)
    assert statuses(answers) == {"classified": 8, "failed": 1}
    assert answers["t0"].error == "unknown category 'phrenology'"
    assert answers["t0"].attempts == LONG.attempts


def test_a_refusal_is_not_asked_again_unchanged() -> None:
    service = FakeService(bad_ids=frozenset({"t0"}), bad="422")
    assert ask_all(service, 1)["t0"].attempts == 1


def test_time_is_limited() -> None:
    answers = ask_all(
        FakeService(["503", "503", "503", "honest"] * 1_000), 5_000, 10, Settings(max_seconds=20)
    )
    assert statuses(answers)["pending"] > 0
    assert any("out of time" in str(answer.error) for answer in answers.values())


def test_errors_of_the_input_are_raised_and_nothing_hangs() -> None:
    def broken() -> Iterator[list[dict[str, object]]]:
        yield from batches(1_000, 100)
        raise LookupError("the warehouse is gone")

    with pytest.raises(LookupError, match="the warehouse is gone"):
        list(classify(broken(), FakeService(), LONG, clock=fake_clock()))


def test_a_caller_may_stop_early() -> None:
    service = FakeService()
    stream = classify(batches(100_000, 10), service, LONG, clock=fake_clock())
    assert next(stream).status == "classified"
    stream.close()
    assert service.requests < 100
