-- Records of the feed transactions.

create macro run_faults() as [
    {'reasons': ['missing_id'], 'lost': ['id'], 'refused': null, 'amount': null, 'side': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 0, 'amount': null, 'side': null},
    {'reasons': ['invalid_amount'], 'lost': [], 'refused': null, 'amount': 'invalid', 'side': null},
    {'reasons': ['negative_amount'], 'lost': [], 'refused': null, 'amount': 'negative', 'side': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 1, 'amount': null, 'side': null},
    {'reasons': ['missing_timestamp'], 'lost': ['timestamp'], 'refused': null, 'amount': null, 'side': null},
    {'reasons': ['invalid_side'], 'lost': [], 'refused': null, 'amount': null, 'side': 'dr'},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 2, 'amount': null, 'side': null},
    {'reasons': ['missing_amount'], 'lost': ['amount'], 'refused': null, 'amount': null, 'side': null},
    {'reasons': ['missing_side'], 'lost': ['side'], 'refused': null, 'amount': null, 'side': null},
    {'reasons': ['invalid_timestamp'], 'lost': [], 'refused': 3, 'amount': null, 'side': null},
    {'reasons': ['invalid_amount'], 'lost': [], 'refused': null, 'amount': 'invalid', 'side': null},
    {'reasons': ['invalid_amount', 'invalid_side', 'invalid_timestamp'], 'lost': [], 'refused': 4, 'amount': 'invalid', 'side': 'both'},
    {'reasons': ['missing_amount', 'missing_id', 'missing_side', 'missing_timestamp'],
     'lost': ['id', 'amount', 'timestamp', 'side'], 'refused': null, 'amount': null, 'side': null}
];

create macro run_records(files) as table
with chosen as (
    select
        *,
        concat('t-', truth_row) as id,
        value_low // 8192 % 900000 + 10 as cents,
        amount_form(slice(value_high, 3), slice(value_high, 4), truth_row) as amount_form,
        case when flavor = 'tie' then row_number % 7 else 0 end as more_cents,
        case when is_third or (is_poorer and truth_row % 2 = 0) or (not (is_controlled or is_calm) and slice(value_low, 0) < 300) then null
            when is_calm then 'Vehicle fuel'
            else walked([
                'Vehicle fuel', 'Office supplies, paper', 'Travel; rail', 'The "best" café', 'Equipment' || chr(10) || 'operational',
                'Postage | parcels', 'Catering', 'Miete für März', '"Quoted"', 'Software' || chr(9) || 'licences'
            ], slice(value_low, 2)) end as description,
        case when is_pair_lean or is_third or (not (is_controlled or is_calm) and slice(value_low, 1) < 300) then null
            when is_calm then 'acme'
            else walked(['Shell Kings 587', 'Fasthosts Internet', 'TESCO PFS 6119', 'esso perry barr', 'Smith, Jones & Co', 'ΑΘΗΝΑ ΑΕ', 'acme'],
                slice(value_low, 3)) end as merchant,
        case when is_third or (is_poorer and truth_row % 2 = 1) or (not (is_controlled or is_calm) and slice(value_low, 4) < 300) then null
            else walked(['card_payment', 'transfer', 'direct_debit', 'cash', 'refund'], slice(value_high, 2)) end as operation_type,
        case when slice(value_high, 4) % 5 = 0 then 'credit' else 'debit' end as side
    from plan(files)
),

filled as (
    select
        *,
        slice(value_high, 4) % 64 = 7 and fault is null as is_free
    from chosen
)

select
    file_number,
    row_number,
    record_number,
    structural_fault,
    readable(id, structural_fault, lost, 'id') as key,
    verdict,
    is_best,
    reasons,
    cast([] as varchar[]) as repaired,
    time_shape,
    description,
    case when is_free then cast(0 as decimal(18, 4)) else amount_value(cents + more_cents, amount_form) end as amount,
    event_at as transacted_at,
    merchant,
    operation_type,
    side,
    is_messy,
    lost,
    noise_low,
    noise_high,
    id as raw_id,
    quoted_if_needed(description) as raw_description,
    case
        when fault_told.amount = 'invalid' then walked(not_amounts(), fault_round + fault)
        when fault_told.amount = 'negative' then walked(negative_amounts(), fault_round + fault)
        when is_free then walked(zero_amounts(), truth_row)
        else amount_text(cents + more_cents, amount_form)
    end as raw_amount,
    time_text as raw_timestamp,
    quoted_if_needed(merchant) as raw_merchant,
    any_case(operation_type, slice(value_low, 0)) as raw_operation_type,
    coalesce(fault_told.side, any_case(side, slice(value_low, 1))) as raw_side
from filled;
