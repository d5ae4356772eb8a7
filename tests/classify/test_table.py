"""Arrow in, Arrow out."""

import pyarrow as pa
import pytest

from sluice.classify import RESULT, Settings, classify_batches, classify_table

from .fakes import FakeService, truth
from .test_http import table


def test_the_result_has_one_row_per_transaction() -> None:
    result = classify_table(table(25_001), ask=FakeService())
    assert result.schema == RESULT
    assert sorted(result["id"].to_pylist()) == sorted(table(25_001)["id"].to_pylist())
    assert all(
        truth(i) == category
        for i, category in zip(result["id"].to_pylist(), result["category"].to_pylist(), strict=True)
    )


def test_a_reader_of_batches_will_do_and_requests_do_not_depend_on_its_batches() -> None:
    small = pa.Table.from_batches(table(1_000).to_batches(max_chunksize=7))
    service = FakeService()
    result = classify_table(small.to_reader(), ask=service, settings=Settings(batch_size=250))
    assert (result.num_rows, service.requests) == (1_000, 4)


def test_answers_come_while_later_ones_are_outstanding() -> None:
    service = FakeService()
    stream = classify_batches(table(60_000), ask=service)
    assert next(stream).num_rows == 10_000
    assert service.requests < 60
    stream.close()


def test_nothing_to_classify_asks_nothing() -> None:
    service = FakeService()
    result = classify_table(table(0), ask=service)
    assert (result.num_rows, result.schema, service.requests) == (0, RESULT, 0)


def test_an_id_that_stands_twice_is_answered_twice() -> None:
    result = classify_table(pa.concat_tables([table(2), table(2)]), ask=FakeService())
    assert sorted(result["id"].to_pylist()) == ["t0", "t0", "t1", "t1"]


def test_a_table_that_cannot_be_asked_for_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="lack the column merchant, side"):
        classify_table(table(1).drop_columns(["merchant", "side"]), ask=FakeService())
    nameless = table(1).set_column(0, "id", pa.array([None], pa.string()))
    with pytest.raises(ValueError, match="1 transactions to classify have no id"):
        classify_table(nameless, ask=FakeService())


def test_another_vocabulary_may_be_known() -> None:
    result = classify_table(table(1), ask=FakeService(), known=["only this"])
    assert result["status"].to_pylist() == ["failed"]
