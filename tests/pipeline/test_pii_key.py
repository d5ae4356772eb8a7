"""Another key for personal data: everything that holds hashes is published again, and nothing mixes two keys."""

from hashlib import sha256

import pytest
from tests.pipeline.harness import DataHome
from tests.shop.outputs import lake_tables

SERVICE = "event_id,service,event_type,timestamp,user_id\n"
TENANT = "event_id,tenant_id,source,event_type,timestamp,payload\n"


@pytest.mark.slow
def test_another_key_changes_every_hash(home: DataHome) -> None:
    def deliver(*names: str) -> None:
        people = "".join(f"{name},{name}@b.c\n" for name in names)
        home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id,email\n" + people)
        home.write(
            "service_events/ingest_date=2026-01-01/a.csv",
            SERVICE + "".join(f"{name},cart,get,2026-01-01,{name}@b.c\n" for name in names),
        )
        fields = '{{""email"": ""{}@b.c"", ""processing_flags"": {{""pii_contains"": true}}}}'
        home.write(
            "tenant_events/ingest_date=2026-01-01/a.csv",
            TENANT + "".join(f'{name},acme,web,get,2026-01-01,"{fields.format(name)}"\n' for name in names),
        )

    def hashes(key: str, *names: str) -> set[str]:
        return {sha256(f"{key}\x1f{name}@b.c".encode()).hexdigest() for name in names}

    def assert_hashed_with(key: str, *names: str) -> None:
        everything, lake = home.everything(), lake_tables(home)
        for table in (everything["customers"], everything["service_events"], lake["clean/customers"]):
            assert {value for row in table for value in row if len(str(value)) == 64} == hashes(key, *names)
        for table in (everything["tenants/acme.events"], lake["clean/tenant_events"]):
            assert all(any(text in str(row) for row in table) for text in hashes(key, *names))
            assert "@b.c" not in str(table)

    deliver("c1", "c2")
    home.build()
    assert_hashed_with("test key", "c1", "c2")
    home.pii_key = "another key"
    try:
        home.build()
        assert_hashed_with("another key", "c1", "c2")
        deliver("c1", "c2", "c3")
        home.build()
        assert_hashed_with("another key", "c1", "c2", "c3")
    finally:
        home.pii_key = "test key"
