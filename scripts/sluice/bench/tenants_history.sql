-- One day of many tenants' events as scripts/ingest lands them, clean; see tenants.py, which fills in $day, $first, $last
-- (numbers of events) and $tenants.
select
  'past-' || i as event_id,
  'tenant-' || (i % $tenants) as tenant_id,
  (['web', 'app', 'pos'])[i % 3 + 1] as source,
  (['view', 'add_to_cart', 'purchase'])[i // 3 % 3 + 1] as event_type,
  strftime(timestamp '$day' + to_milliseconds((i * 7919) % 86400000), '%Y-%m-%dT%H:%M:%S.%gZ') as timestamp,
  2 as schema_version,
  printf(
    '{"user": {"id": "u-%d", "email": "u%d@example.org"}, "product": {"id": "p-%d", "name": "Kettle, 1.7 l"}, '
    || '"amount": "%d.90", "currency": "EUR", "processing_flags": {"pii_contains": %s}}',
    hash(i) % 100000, hash(i) % 100000, hash(i) % 1000, hash(i) % 300, if(i % 3 = 0, 'true', 'false')
  ) as payload
from range($first, $last) as numbers(i)
