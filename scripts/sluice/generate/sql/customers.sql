-- Records of the feed customers. Places 0-9 of a block are always accepted: orders and product events choose among them.

create macro run_faults() as [{'reasons': ['missing_customer_id'], 'lost': ['customer_id'], 'refused': null}];

create macro run_records(files) as table
with chosen as (
    select
        *,
        customer_id(truth_row) as customer_id,
        case
            when is_third or (is_poorer and truth_row % 2 = 0) then false
            else is_controlled or is_calm or slice(value_low, 2) >= 300
        end and not coalesce(repair_kind in (0, 2), false) as has_email,
        case
            when is_third or (is_poorer and truth_row % 2 = 1) then false
            else is_controlled or is_calm or slice(value_low, 3) >= 200
        end and not coalesce(repair_kind in (1, 2), false) as has_created,
        -- a poorer rival is poor because of a bad value every other time
        -- and no record holds one value alone, whichever columns its file has: it would be too_few_values
        coalesce(list_contains(lost, 'customer_id'), false) as has_no_key,
        coalesce(repair_kind in (1, 2), is_poorer and not is_third and truth_row % 4 = 1)
        or (has_no_key and not has_created) as is_created_repaired,
        coalesce(repair_kind in (0, 2), is_poorer and not is_third and truth_row % 4 = 0)
        or (not has_email and (has_no_key or not (has_created or is_created_repaired))) as is_email_repaired,
        case when is_pair_lean then null
            when place between 40 and 45 then 'DE'
            when slice(value_high, 3) >= 200 then
                ['DE', 'FR', 'United Kingdom', 'Côte d''Ivoire', 'NL', '日本', 'US', 'Korea, Republic of'][slice(value_high, 3) % 8 + 1]
        end as country
    from plan(files)
),

filled as (
    select
        *,
        case when has_email then concat(
            case when slice(value_high, 2) % 9 = 0 then 'anna+shop' else 'user' end, '.', truth_row, '@',
            ['example.com', 'mail.example.org', 'exämple.net'][slice(value_high, 2) % 3 + 1]) end as email
    from chosen
)

select
    file_number,
    row_number,
    record_number,
    structural_fault,
    readable(customer_id, structural_fault, lost, 'customer_id') as key,
    verdict,
    is_best,
    reasons,
    case
        when not is_accepted then []
        when is_email_repaired and is_created_repaired then ['created_at', 'email']
        when is_email_repaired then ['email']
        when is_created_repaired then ['created_at']
        else []
    end as repaired,
    case when has_created then time_shape end as time_shape,
    email,
    country,
    case when has_created then event_at end as created_at,
    is_messy,
    lost,
    noise_low,
    noise_high,
    customer_id as raw_customer_id,
    case when is_email_repaired then walked(['nobody', 'nobody@', '@example.com', 'nobody@example', 'example.com'], block)
        else any_case(email, slice(value_low, 0)) end as raw_email,
    quoted_if_needed(country) as raw_country,
    case when has_created then time_text when is_created_repaired then walked(refused_times(), block) end as raw_created_at
from filled;
