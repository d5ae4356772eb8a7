-- Records of the feed service_events.

create macro service_names() as
    ['checkout', 'search', 'auth', 'payments', 'catalog', 'cart', 'shipping', 'email', 'inventory', 'pricing', 'reviews', 'gateway'];

create macro event_types() as ['request', 'response', 'error', 'timeout', 'retry'];

create macro run_faults() as [
    {'reasons': ['missing_event_id'], 'lost': ['event_id'], 'refused': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 0},
    {'reasons': ['missing_service'], 'lost': ['service'], 'refused': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 1},
    {'reasons': ['missing_event_type'], 'lost': ['event_type'], 'refused': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 2},
    {'reasons': ['missing_timestamp'], 'lost': ['timestamp'], 'refused': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 3},
    {'reasons': ['invalid_timestamp', 'missing_event_id'], 'lost': ['event_id'], 'refused': 4},
    {'reasons': ['missing_event_type', 'missing_service'], 'lost': ['service', 'event_type'], 'refused': null},
    {'reasons': ['missing_event_id', 'missing_event_type', 'missing_service', 'missing_timestamp'],
     'lost': ['event_id', 'service', 'event_type', 'timestamp'], 'refused': null}
];

create macro run_records(files) as table
with aimed as (
    select
        *,
        -- some pairs differ in the user alone, where both files can say it
        case when flavor in ('poorer', 'richer') then not is_pair_lean and truth_row % 2 = 1 else false end as is_about_user
    from plan(files)
),

chosen as (
    select
        *,
        cast(slice(value_high, 2) % 12 as integer) as service,
        cast(case when flavor = 'tie' then slice(noise_high, 1) else slice(value_high, 3) end % 5 as integer) as event_type,
        slice(value_high, 4) % 250 + 1 + case when slice(value_low, 1) % 16 = 0 then slice(value_low, 1) * 2 else 0 end as latency_whole,
        case when slice(value_high, 0) % 16 = 0 then slice(value_high, 3) % 6 else 0 end as latency_form,
        [200, 200, 200, 200, 201, 204, 301, 404, 500, 503][slice(value_low, 3) % 10 + 1] as status,
        is_poorer and (is_third or not is_about_user) as has_no_figures,
        case when is_poorer then not is_third and not is_about_user and row_number % 2 = 0
            else coalesce(repair_kind in (0, 2), false) end as is_latency_repaired,
        coalesce(repair_kind in (1, 2), false) as is_status_repaired,
        case
            when is_about_user then not is_poorer
            when is_paired then not is_pair_lean and slice(value_low, 2) >= 400
            else not is_lean and not is_third and slice(value_low, 2) >= 400
        end as has_user
    from aimed
),

filled as (
    select
        *,
        concat('evt-', truth_row) as event_id,
        case when has_user then
            concat('u', value_low // 4096 % 100000, case when slice(value_low, 2) % 50 = 0 then '@example.com' end) end as user_id,
        not has_no_figures and not is_latency_repaired and (is_controlled or is_calm or slice(value_low, 1) >= 80) as has_latency,
        not has_no_figures and not is_status_repaired and (is_controlled or is_calm or slice(value_low, 3) >= 80) as has_status
    from chosen
)

select
    file_number,
    row_number,
    record_number,
    structural_fault,
    readable(event_id, structural_fault, lost, 'event_id') as key,
    verdict,
    is_best,
    reasons,
    case
        when not is_accepted then []
        when is_latency_repaired and is_status_repaired then ['latency_ms', 'status_code']
        when is_latency_repaired then ['latency_ms']
        when is_status_repaired then ['status_code']
        else []
    end as repaired,
    time_shape,
    service,
    event_type,
    event_at,
    time_value as event_at_raw,
    case when has_latency then number_value(latency_whole, latency_form) end as latency_ms,
    case when has_status then status end as status_code,
    user_id,
    is_messy,
    lost,
    noise_low,
    noise_high,
    event_id as raw_event_id,
    any_case(service_names()[service + 1], slice(value_low, 0)) as raw_service,
    any_case(event_types()[event_type + 1], slice(value_low, 0)) as raw_event_type,
    time_text as raw_timestamp,
    case
        when has_latency then number_text(latency_whole, latency_form)
        when is_latency_repaired then walked(['-5', '-0.5'] || not_numbers(), block)
    end as raw_latency_ms,
    case
        when has_status then case when truth_row % 31 = 0 then concat(status, '.0') else cast(status as varchar) end
        when is_status_repaired then walked(['42', '600', '99', '200.5', 'OK', '-200', '20x', '2000', '2 00'], block)
    end as raw_status_code,
    user_id as raw_user_id,
    case when is_pair_lean or truth_row % 5 = 0 then null when truth_row % 2 = 0 then '1' else '2' end as raw_schema_version
from filled;
