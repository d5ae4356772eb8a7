-- Records of the feed orders.

create macro run_faults() as [
    {'reasons': ['missing_order_id'], 'lost': ['order_id'], 'refused': null, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['invalid_order_time'], 'lost': [], 'refused': 0, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['unknown_customer_id'], 'lost': [], 'refused': null, 'stranger': true, 'amount': null, 'status': null},
    {'reasons': ['invalid_amount'], 'lost': [], 'refused': null, 'stranger': false, 'amount': 'invalid', 'status': null},
    {'reasons': ['negative_amount', 'non_positive_amount_for_status'],
     'lost': [], 'refused': null, 'stranger': false, 'amount': 'negative', 'status': 'refunded'},
    {'reasons': ['invalid_order_time'], 'lost': [], 'refused': 1, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['non_positive_amount_for_status'], 'lost': [], 'refused': null, 'stranger': false, 'amount': 'zero', 'status': 'paid'},
    {'reasons': ['missing_order_time'], 'lost': ['order_time'], 'refused': null, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['negative_amount'], 'lost': [], 'refused': null, 'stranger': false, 'amount': 'negative', 'status': 'cancelled'},
    {'reasons': ['missing_customer_id'], 'lost': ['customer_id'], 'refused': null, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['invalid_order_time'], 'lost': [], 'refused': 2, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['missing_amount'], 'lost': ['amount'], 'refused': null, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['unknown_status'], 'lost': [], 'refused': null, 'stranger': false, 'amount': null, 'status': 'shipped'},
    {'reasons': ['invalid_amount'], 'lost': [], 'refused': null, 'stranger': false, 'amount': 'invalid', 'status': null},
    {'reasons': ['non_positive_amount_for_status'], 'lost': [], 'refused': null, 'stranger': false, 'amount': 'zero', 'status': 'chargeback'},
    {'reasons': ['missing_status'], 'lost': ['status'], 'refused': null, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['invalid_order_time'], 'lost': [], 'refused': 3, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['negative_amount', 'unknown_status'],
     'lost': [], 'refused': null, 'stranger': false, 'amount': 'negative', 'status': 'on hold'},
    {'reasons': ['invalid_amount', 'invalid_order_time', 'unknown_customer_id'],
     'lost': [], 'refused': 4, 'stranger': true, 'amount': 'invalid', 'status': null},
    {'reasons': ['missing_amount', 'missing_customer_id', 'missing_order_id', 'missing_order_time', 'missing_status'],
     'lost': ['order_id', 'customer_id', 'order_time', 'amount', 'status'], 'refused': null, 'stranger': false, 'amount': null, 'status': null},
    {'reasons': ['negative_amount', 'non_positive_amount_for_status'],
     'lost': [], 'refused': null, 'stranger': false, 'amount': 'negative', 'status': 'paid'}
];

create macro run_records(files) as table
with aimed as (
    select
        * exclude (reasons, verdict, is_best),
        reasons as fault_reasons,
        is_unknown_anyway(structural_fault, lost) as is_unknown_too,
        case when not is_accepted then coalesce(fault_told.stranger, false) else false end as is_of_stranger
    from plan(files)
),

chosen as (
    select
        *,
        concat('o-', truth_row) as order_id,
        coalesce(fault_told.status,
            ['paid', 'refunded', 'chargeback', 'failed', 'pending', 'cancelled', 'paid', 'paid'][slice(value_high, 2) % 8 + 1]) as status,
        value_low // 8192 % 500000 + 10 as cents,
        amount_form(slice(value_high, 3), slice(value_high, 4), truth_row) as amount_form,
        -- for the tie: what no preference looks at
        case when flavor = 'tie' then row_number % 7 else 0 end as more_cents,
        case when is_third or is_poorer or is_pair_lean or is_lean or repair_kind is not null then null
            when is_controlled or is_calm or slice(value_low, 0) >= 300
            then ['EUR', 'USD', 'GBP', 'JPY', 'CHF'][slice(value_high, 3) % 5 + 1] end as currency,
        case
            when repair_kind is not null then not is_lean
            else is_poorer and not is_third and not is_pair_lean and truth_row % 2 = 0
        end as is_currency_repaired,
        is_accepted and not is_unknown_too as is_kept
    from aimed
),

filled as (
    select
        *,
        case when is_of_stranger then concat('ghost-', truth_row % 1000) else shopper(value_low, truth_day) end as customer_id,
        -- three statuses may have an amount of nothing
        status in ('failed', 'pending', 'cancelled') and fault is null and slice(value_high, 4) % 4 = 0 as is_free
    from chosen
)

select
    file_number,
    row_number,
    record_number,
    structural_fault,
    readable(order_id, structural_fault, lost, 'order_id') as key,
    verdict(is_kept, is_winner) as verdict,
    is_kept and is_winner as is_best,
    case when is_unknown_too then list_sort(list_distinct(list_append(fault_reasons, 'unknown_customer_id'))) else fault_reasons end as reasons,
    case when is_kept and is_currency_repaired then ['currency'] else [] end as repaired,
    time_shape,
    customer_id,
    event_at as ordered_at,
    case when is_free then cast(0 as decimal(18, 4)) else amount_value(cents + more_cents, amount_form) end as amount,
    currency,
    status,
    is_messy,
    lost,
    noise_low,
    noise_high,
    order_id as raw_order_id,
    customer_id as raw_customer_id,
    time_text as raw_order_time,
    case
        when fault_told.amount = 'invalid' then walked(not_amounts(), fault_round + fault)
        when fault_told.amount = 'negative' then walked(negative_amounts(), fault_round + fault)
        when fault_told.amount = 'zero' or is_free then walked(zero_amounts(), truth_row)
        else amount_text(cents + more_cents, amount_form)
    end as raw_amount,
    case when is_currency_repaired then walked(['EURO', 'E', '€', '12', 'U$D', 'EU R', '978'], block)
        else any_case(currency, slice(value_low, 0)) end as raw_currency,
    any_case(status, slice(value_low, 1)) as raw_status
from filled;
