-- Records of the feed product_events.

create macro run_faults() as [
    {'reasons': ['missing_event_id'], 'lost': ['event_id'], 'refused': null, 'customer': null, 'duration': null},
    {'reasons': ['invalid_event_time'], 'lost': [], 'refused': 0, 'customer': null, 'duration': null},
    {'reasons': ['unknown_customer_id'], 'lost': [], 'refused': null, 'customer': 'unknown', 'duration': null},
    {'reasons': ['invalid_event_time'], 'lost': [], 'refused': 1, 'customer': null, 'duration': null},
    {'reasons': ['missing_event_time'], 'lost': ['event_time'], 'refused': null, 'customer': null, 'duration': null},
    {'reasons': ['invalid_duration_ms'], 'lost': [], 'refused': null, 'customer': null, 'duration': 0},
    {'reasons': ['invalid_event_time'], 'lost': [], 'refused': 2, 'customer': null, 'duration': null},
    {'reasons': ['missing_customer_id'], 'lost': ['customer_id'], 'refused': null, 'customer': null, 'duration': null},
    {'reasons': ['invalid_duration_ms'], 'lost': [], 'refused': null, 'customer': null, 'duration': 1},
    {'reasons': ['invalid_event_time'], 'lost': [], 'refused': 3, 'customer': null, 'duration': null},
    {'reasons': ['invalid_event_time', 'missing_event_id', 'unknown_customer_id'], 'lost': ['event_id'], 'refused': 4, 'customer': 'unknown', 'duration': null},
    {'reasons': ['invalid_duration_ms', 'missing_customer_id', 'missing_event_time'],
     'lost': ['customer_id', 'event_time'], 'refused': null, 'customer': null, 'duration': 2},
    {'reasons': ['missing_customer_id', 'missing_event_id', 'missing_event_time'],
     'lost': ['event_id', 'customer_id', 'event_time'], 'refused': null, 'customer': null, 'duration': null}
];

create macro run_records(files) as table
with aimed as (
    select
        *,
        -- which of the fields that are compared a poorer rival lacks
        case when is_third then 4 when is_poorer then truth_row % case when is_pair_lean then 2 else 4 end end as lacking
    from plan(files)
),

chosen as (
    select
        * exclude (reasons, verdict, is_best),
        concat('pe-', truth_row) as event_id,
        case when not is_accepted then fault_told.customer is not null else false end as is_of_stranger,
        is_unknown_anyway(structural_fault, lost) as is_unknown_too,
        case when is_third or lacking = 0 then null
            when (is_controlled or is_calm or slice(value_low, 0) >= 200)
            then ['page_view', 'click', 'purchase', 'signup', 'search', 'app_open'][
                case when flavor = 'tie' then slice(noise_high, 1) else slice(value_high, 2) end % 6 + 1] end as event_type,
        case when is_third or lacking = 1 then null
            when (is_controlled or is_calm or slice(value_low, 1) >= 300)
            then ['web', 'ios', 'android', 'tv', 'kiosk'][slice(value_high, 3) % 5 + 1] end as platform,
        case when is_third or lacking = 2 or is_pair_lean then null
            when (is_controlled or is_calm or slice(value_low, 2) >= 300) then concat('s-', value_low // 4096 % 1000000) end as session_id,
        not (is_third or coalesce(lacking = 3, false)) and (is_controlled or is_calm or slice(value_low, 3) >= 500) as has_duration,
        (slice(value_low, 3) * 21 + slice(value_high, 4)) as duration_whole,
        case when slice(value_high, 0) % 8 = 0 then slice(value_high, 3) % 6 else 0 end as duration_form,
        reasons as fault_reasons
    from aimed
),

filled as (
    select
        *,
        case when is_of_stranger then concat('ghost-', truth_row % 1000) else shopper(value_low, truth_day) end as customer_id,
        case when not has_duration then null
            when place_of_limit then 86400000.0 else number_value(duration_whole, duration_form) end as duration_ms,
        case when is_unknown_too then list_sort(list_distinct(list_append(fault_reasons, 'unknown_customer_id')))
            else fault_reasons end as reasons,
        is_accepted and not is_unknown_too as is_kept
    from (select *, truth_row % 211 = 0 as place_of_limit from chosen) as limited
)

select
    file_number,
    row_number,
    record_number,
    structural_fault,
    readable(event_id, structural_fault, lost, 'event_id') as key,
    verdict(is_kept, is_winner) as verdict,
    is_kept and is_winner as is_best,
    reasons,
    cast([] as varchar[]) as repaired,
    time_shape,
    customer_id,
    event_type,
    event_at,
    platform,
    session_id,
    duration_ms,
    is_messy,
    lost,
    noise_low,
    noise_high,
    event_id as raw_event_id,
    customer_id as raw_customer_id,
    any_case(event_type, slice(value_low, 0)) as raw_event_type,
    time_text as raw_event_time,
    any_case(platform, slice(value_low, 1)) as raw_platform,
    session_id as raw_session_id,
    case
        when fault_told.duration is not null
            then walked(['-1', '86400001', '86400000.5', '-0.001', '1e12'] || not_numbers(), fault_round * 3 + fault_told.duration)
        when not has_duration then null
        when place_of_limit then '86400000'
        else number_text(duration_whole, duration_form)
    end as raw_duration_ms
from filled;
