-- Records of the feed tenant_events. The payload is an e-commerce event in one of two schema versions:
--   1: user_id, user_name, email, product, product_name, amount (text)
--   2: user.id, user.first_name, user.last_name, user.email, product.id, product.name, amount (number), tags
-- both with currency, model_scores.{fraud, churn} and processing_flags.{pii_contains, deduplicated}. Some payloads hold
-- other fields only.

create macro tenant_names() as [
    'acme', 'globex', 'initech', 'umbrella', 'hooli', 'stark', 'wayne', 'wonka', 'cyberdyne', 'tyrell', 'soylent', 'aperture',
    'blackmesa', 'oscorp', 'massive-dynamic', 'vandelay', 'pied_piper', 'dunder-mifflin', 'sirius', 'monarch', 'gringotts', 'zorg',
    '_internal', '-rf', '0', 'con', repeat('long-', 12) || 'name'
];

create macro no_tenants() as ['no spaces', '../etc/passwd', 'ümlaut', repeat('a', 65), 'a.b', 'a/b', '"x;drop"', 'a%2fb', '..', '*'];

create macro no_payloads() as [
    '[1, 2]', '"text"', '12', '{"a":', 'not json', 'true', '{"a": 1}}', 'null', '{a: 1}', '{"a": 1} {"b": 2}', '''{"a": 1}'''
];

create macro run_faults() as [
    {'reasons': ['missing_event_id'], 'lost': ['event_id'], 'refused': null, 'tenant': false, 'payload': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 0, 'tenant': false, 'payload': null},
    {'reasons': ['invalid_tenant_id'], 'lost': [], 'refused': null, 'tenant': true, 'payload': null},
    {'reasons': ['missing_tenant_id'], 'lost': ['tenant_id'], 'refused': null, 'tenant': false, 'payload': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 1, 'tenant': false, 'payload': null},
    {'reasons': ['payload_too_large'], 'lost': [], 'refused': null, 'tenant': false, 'payload': 'large'},
    {'reasons': ['missing_source'], 'lost': ['source'], 'refused': null, 'tenant': false, 'payload': null},
    {'reasons': ['invalid_payload'], 'lost': [], 'refused': null, 'tenant': false, 'payload': 'invalid'},
    {'reasons': ['missing_event_type'], 'lost': ['event_type'], 'refused': null, 'tenant': false, 'payload': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 2, 'tenant': false, 'payload': null},
    {'reasons': ['missing_timestamp'], 'lost': ['timestamp'], 'refused': null, 'tenant': false, 'payload': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 3, 'tenant': false, 'payload': null},
    {'reasons': ['invalid_payload', 'invalid_tenant_id', 'invalid_timestamp'], 'lost': [], 'refused': 4, 'tenant': true, 'payload': 'invalid'},
    {'reasons': ['missing_event_id', 'missing_event_type', 'missing_source', 'missing_tenant_id', 'missing_timestamp'],
     'lost': ['event_id', 'tenant_id', 'source', 'event_type', 'timestamp', 'payload'], 'refused': null, 'tenant': false, 'payload': null}
];

create macro product_names() as ['Chair "Classic"', 'Lamp', 'Desk, oak', 'Café cup'];

-- A piece of a payload as it stands in a field that is quoted or not; of a constant it makes a constant.
create macro piece(text, is_quoted) as case when is_quoted then replace(text, '"', '""') else text end;

create macro name_piece(name, is_quoted) as piece(replace(name, '"', '\"'), is_quoted);

-- The payload as JSON, or as a quoted field that holds it: writing it twice is cheaper than replacing the quotes.
create macro payload_text(
    is_quoted, has_payload, is_purchase, schema_version, truth_row, user_id, first_name, last_name, user_email, product_id,
    product_number, amount, currency, fraud_text, churn_text, flags_pii
) as case
    when not has_payload then null
    when not is_purchase then concat(
        case when is_quoted then '"' end, piece('{"note": "', is_quoted),
        walked([piece(note, is_quoted) for note in ['a, b; c', 'say \"hi\"', 'ünïcode ✓', 'line\nbreak']], truth_row),
        piece('", "new_field": {"deep": [1, null, true]}}', is_quoted), case when is_quoted then '"' end)
    when schema_version = 2 then concat(
        case when is_quoted then '"' end, piece('{"user": {"id": "', is_quoted), user_id, piece('", "first_name": "', is_quoted),
        first_name, piece('", "last_name": "', is_quoted), last_name, piece('", "email": "', is_quoted), user_email,
        piece('"}, "product": {"id": "', is_quoted), product_id, piece('", "name": "', is_quoted),
        walked([name_piece(name, is_quoted) for name in product_names()], product_number), piece('"}, "amount": ', is_quoted), amount,
        piece(', "currency": "', is_quoted), currency, piece('", "model_scores": {"fraud": ', is_quoted), fraud_text,
        piece(', "churn": ', is_quoted), churn_text, piece('}, "processing_flags": {"pii_contains": ', is_quoted), flags_pii,
        piece(', "deduplicated": false}, "tags": ["sale", "new"]}', is_quoted), case when is_quoted then '"' end)
    else concat(
        case when is_quoted then '"' end, piece('{"user_id": "', is_quoted), user_id, piece('", "user_name": "', is_quoted), first_name,
        ' ', last_name, piece('", "email": "', is_quoted), user_email, piece('", "product": "', is_quoted), product_id,
        piece('", "product_name": "', is_quoted), walked([name_piece(name, is_quoted) for name in product_names()], product_number),
        piece('", "amount": "', is_quoted), amount, piece('", "currency": "', is_quoted), currency,
        piece('", "model_scores": {"fraud": ', is_quoted), fraud_text, piece(', "churn": ', is_quoted), churn_text,
        piece('}, "processing_flags": {"pii_contains": ', is_quoted), flags_pii,
        piece(', "deduplicated": false}}', is_quoted), case when is_quoted then '"' end)
end;

create macro run_records(files) as table
with chosen as (
    select
        *,
        -- two tenants share each event id: it is theirs, not ours
        concat('te-', truth_row // 2) as event_id,
        tenant_names()[(mixed(scrambled(spread(truth_row // 2, 42470972311), run_salts()[1])) // 64 + truth_row) % len(tenant_names()) + 1]
            as tenant_id,
        ['web', 'app', 'pos', 'import'][slice(value_high, 2) % 4 + 1] as source,
        ['click', 'view', 'add_to_cart', 'checkout', 'purchase', 'refund'][
            case when flavor = 'tie' then slice(noise_high, 1) else slice(value_high, 3) end % 6 + 1] as event_type,
        -- a version that cannot be read counts as 1
        case when repair_kind is not null or is_pair_lean or truth_row % 7 = 0 then 1 else truth_row % 2 + 1 end as schema_version,
        repair_kind is not null and not is_lean as is_version_repaired,
        place not between 40 and 45 and slice(value_low, 0) >= 400 as has_payload,
        slice(value_low, 1) % 10 > 0 as is_purchase,
        value_low // 8192 % 90000 + 10 as cents,
        ['Ada', 'Grace', 'Zoë', 'Linus', 'José'][slice(value_low, 2) % 5 + 1] as first_name,
        ['Lovelace', 'Hopper', 'O''Neill', 'van der Berg', '李'][slice(value_low, 3) % 5 + 1] as last_name,
        slice(value_low, 2) % 500 as user_number,
        slice(value_low, 3) % 200 as product_number,
        slice(value_high, 4) % 3 = 0 as flags_pii
    from plan(files)
),

filled as (
    select
        *,
        has_payload and is_purchase as has_fields,
        concat('u', user_number) as user_id,
        concat('user', user_number, '@example.com') as user_email,
        concat('p-', product_number) as product_id,
        walked(product_names(), product_number) as product_name,
        walked(['EUR', 'USD', 'GBP'], cents) as currency,
        concat('0.', lpad(cast(slice(value_low, 2) % 100 as varchar), 2, '0')) as fraud_text,
        concat('0.', lpad(cast(slice(value_low, 3) % 100 as varchar), 2, '0')) as churn_text
    from chosen
),

told_payload as (
    select
        *,
        payload_text(false, has_payload, is_purchase, schema_version, truth_row, user_id, first_name, last_name, user_email,
            product_id, product_number, plain_cents(cents), currency, fraud_text, churn_text, flags_pii) as payload,
        payload_text(true, has_payload, is_purchase, schema_version, truth_row, user_id, first_name, last_name, user_email,
            product_id, product_number, plain_cents(cents), currency, fraud_text, churn_text, flags_pii) as payload_field
    from filled
)

select
    file_number,
    row_number,
    record_number,
    structural_fault,
    case when coalesce(fault_told.tenant, false) then null
        else readable(tenant_id, structural_fault, lost, 'tenant_id') || '/' || readable(event_id, structural_fault, lost, 'event_id')
    end as key,
    verdict,
    is_best,
    reasons,
    case when is_accepted and is_version_repaired then ['schema_version'] else [] end as repaired,
    time_shape,
    event_id,
    tenant_id,
    source,
    event_type,
    event_at,
    schema_version,
    payload,
    case when has_fields then user_id end as user_id,
    case when has_fields then user_email end as user_email,
    case when has_fields then first_name end as user_first_name,
    case when has_fields then last_name end as user_last_name,
    case when has_fields then product_id end as product_id,
    case when has_fields then product_name end as product_name,
    case when has_fields then amount_value(cents, 0) end as amount,
    case when has_fields then currency end as currency,
    case when has_fields then cast(fraud_text as double) end as fraud_score,
    case when has_fields then cast(churn_text as double) end as churn_score,
    case when has_fields then flags_pii end as pii_contains,
    is_messy,
    lost,
    noise_low,
    noise_high,
    event_id as raw_event_id,
    case when fault_told.tenant then walked(no_tenants(), fault_round + fault) else any_case(tenant_id, slice(value_low, 0)) end as raw_tenant_id,
    any_case(source, slice(value_low, 1)) as raw_source,
    any_case(event_type, slice(value_low, 4)) as raw_event_type,
    time_text as raw_timestamp,
    case
        when is_version_repaired then walked(['abc', '0', '-1', '1.5', 'v2', 'two'], block)
        when is_pair_lean or truth_row % 7 = 0 then null
        else cast(schema_version as varchar)
    end as raw_schema_version,
    case fault_told.payload
        when 'large' then concat('"{""blob"": ""', repeat('x', 65536), '""}"')
        when 'invalid' then quoted(walked(no_payloads(), fault_round + fault))
        else payload_field
    end as raw_payload
from told_payload;
