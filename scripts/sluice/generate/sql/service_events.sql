-- Records of the feed service_events.

create macro service_names() as
    ['checkout', 'search', 'auth', 'payments', 'catalog', 'cart', 'shipping', 'email', 'inventory', 'pricing', 'reviews', 'gateway'];

-- What breaks a record, and every reason it then carries, sorted. `lost` fields are written blank; `refused` numbers the
-- faults whose time is unreadable (each takes the next unreadable text).
create macro service_events_faults() as [
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

create macro service_events_records(file_number, first_row, end_row) as table
with rolled as (
    select
        *,
        case when fault is not null then service_events_faults()[fault + 1] end as fault_told,
        value_high(truth_row) as value_high,
        value_low(truth_row) as value_low,
        noise_high(row_number) as noise_high,
        noise_low(row_number) as noise_low,
        -- some pairs differ in the user alone, where both files can say it
        case when flavor in ('poorer', 'richer') then not is_pair_lean and truth_row % 2 = 1 else false end as is_about_user
    from plan(file_number, first_row, end_row)
),

timed as (
    select
        *,
        picked_shape(truth_row, slice(value_high, 0), is_calm or is_controlled) as original_shape,
        -- 4 % of the events arrive one to three days late
        run_moment(truth_day - case when slice(value_high, 1) < 160 then slice(value_high, 1) % 3 + 1 else 0 end, value_low)
            as moment
    from rolled
),

cut as (
    select
        *,
        shape_floor(moment, original_shape) as original_at,
        case when (is_rival and flavor not in ('copy', 'tie')) or is_third then picked_shape(row_number, slice(noise_high, 0), true)
            else original_shape end as shape
    from timed
),

moved as (
    select
        *,
        case when is_rival or is_third then original_at + to_seconds(rival_seconds(is_third, flavor)) end as moved_at
    from cut
),

told as (
    select
        *,
        case when is_rival or is_third then shape_floor(moved_at, shape) else original_at end as event_at,
        service_names()[slice(value_high, 2) % 12 + 1] as service,
        ['request', 'response', 'error', 'timeout', 'retry'][
            case when flavor = 'tie' then slice(noise_high, 1) else slice(value_high, 3) end % 5 + 1] as event_type,
        slice(value_high, 4) % 250 + 1 + case when slice(value_low, 1) % 16 = 0 then slice(value_low, 1) * 2 else 0 end as latency_whole,
        case when slice(value_high, 0) % 16 = 0 then slice(value_high, 3) % 6 else 0 end as latency_form,
        [200, 200, 200, 200, 201, 204, 301, 404, 500, 503][slice(value_low, 3) % 10 + 1] as status,
        is_poorer and (is_third or not is_about_user) as has_no_figures,
        case when is_poorer then not is_third and not is_about_user and row_number % 2 = 0
            else coalesce(repair_kind in (0, 2), false) end as is_latency_repaired,
        coalesce(repair_kind in (1, 2), false) as is_status_repaired,
        case
            when is_about_user then not is_poorer
            when is_rival or is_original then not is_pair_lean and slice(value_low, 2) >= 400
            else not is_lean and not is_third and slice(value_low, 2) >= 400
        end as has_user
    from moved
),

written as (
    select
        *,
        concat('evt-', truth_row) as event_id,
        case when slice(value_low, 0) < 1200 then any_case(service, slice(value_low, 0)) else service end as service_text,
        case when slice(value_low, 0) < 1000 then any_case(event_type, slice(value_low, 0)) else event_type end as event_type_text,
        case when truth_row % 31 = 0 then concat(status, '.0') else cast(status as varchar) end as status_text,
        number_text(latency_whole, latency_form) as latency_text,
        case when has_user then
            concat('u', value_low // 4096 % 100000, case when slice(value_low, 2) % 50 = 0 then '@example.com' end) end as user_id,
        case when fault is null then shape_text(event_at, shape, slice(value_high, 2))
            when fault_told.refused is null then shape_text(event_at, shape, slice(value_high, 2))
            else walked(refused_times(), fault_round * 5 + fault_told.refused) end as time_text,
        not has_no_figures and not is_latency_repaired and (is_controlled or is_calm or slice(value_low, 1) >= 80) as has_latency,
        not has_no_figures and not is_status_repaired and (is_controlled or is_calm or slice(value_low, 3) >= 80) as has_status,
        case when fault is not null then fault_told.lost end as lost
    from told
)

select
    row_number,
    record_number,
    structural_fault,
    case
        when structural_fault is not null then null
        when fault is null then event_id
        when not list_contains(lost, 'event_id') then event_id
    end as key,
    verdict(structural_fault, fault, is_winner) as verdict,
    case
        when structural_fault is not null then [structural_fault]
        when fault is not null then fault_told.reasons
        else []
    end as reasons,
    case
        when is_latency_repaired and is_status_repaired then ['latency_ms', 'status_code']
        when is_latency_repaired then ['latency_ms']
        when is_status_repaired then ['status_code']
        else []
    end as repaired,
    case when structural_fault is null and fault is null then shape end as time_shape,
    is_winner and structural_fault is null and fault is null as is_best,
    service,
    event_type,
    event_at,
    case when time_text[1] = '"' then trim(time_text, '"') else time_text end as event_at_raw,
    case when has_latency then number_value(latency_whole, latency_form) end as latency_ms,
    case when has_status then status end as status_code,
    user_id,
    lost,
    is_messy(lost, is_calm, noise_high) as is_messy,
    noise_low,
    noise_high,
    event_id as raw_event_id,
    service_text as raw_service,
    event_type_text as raw_event_type,
    time_text as raw_timestamp,
    case
        when has_latency then latency_text
        when is_latency_repaired then walked(['-5', '-0.5'] || not_numbers(), block)
    end as raw_latency_ms,
    case
        when has_status then status_text
        when is_status_repaired then walked(['42', '600', '99', '200.5', 'OK', '-200', '20x', '2000', 'NaN'], block)
    end as raw_status_code,
    user_id as raw_user_id,
    case when is_pair_lean or truth_row % 5 = 0 then null when truth_row % 2 = 0 then '1' else '2' end as raw_schema_version
from written;
