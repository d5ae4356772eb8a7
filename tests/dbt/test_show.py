"""`dbt show` as people type it."""

import pytest
from small_home import SmallHome


@pytest.mark.parametrize(
    "query",
    [
        "select * from {{ source('landing', 'service_events') }} limit 5",
        "select * from {{ source('landing', 'service_events') }} -- all of them",
    ],
)
def test_a_query_may_have_a_limit_of_its_own(home: SmallHome, query: str) -> None:
    shown = home.dbt("show", "--inline", query).result.results[0].agate_table
    assert len(shown.rows) == 5, "dbt's own limit, or the query's"


def test_the_order_stays(home: SmallHome) -> None:
    shown = home.dbt("show", "--inline", "select i from range(100000) as numbers(i) order by i desc")
    assert [row[0] for row in shown.result.results[0].agate_table.rows] == [99999, 99998, 99997, 99996, 99995]
