-- Which record stands in which row, and what is wrong with it: everything follows from the row number by arithmetic, so
-- any stretch of rows can be made alone, in parallel, in constant memory, and both records of a pair know each other.
--
-- Rows are counted in blocks of 50 (shifted by the seed). A place in the block has a role:
--   0-9    always a clean record that stands alone and is written without quotes or padding (orders choose their customers here)
--   10-17  an original: the first record of a key that may come again at place 47, 48 or 49 of this or a later block
--   18-24  a record whose time is written in the next of all shapes
--   20, 33 a record with a fault that ends in quarantine
--   25, 27, 29 a record with a field that is repaired
--   40-44  a structural fault, in one block of one file per day
--   45     like 0-9: the good line after the unterminated quote
--   47     in every third block, the third record of a key: always the least of its rivals
--   48, 49 the rival of an original, `run_lags()` blocks later: the same file, the next file, the next day, three days later
--
-- run_…() are the constants of one run and feed, defined by layout.py before this file is loaded; run_faults() comes from the
-- feed: what breaks a record, and every reason it then carries, sorted. `lost` are the columns written blank; `refused` (0-4)
-- numbers the faults whose time is unreadable, each of which takes the next unreadable text.

create macro day_of(row_number) as ((row_number + 1) * run_days() - 1) // run_rows();

create macro day_start(day_number) as day_number * run_rows() // run_days();

create macro customer_id(row_number) as concat('c-', row_number);

-- A customer who is accepted: mostly one who has come by that day, sometimes one who comes later.
create macro shopper(word, day_number) as
    customer_id(case
        when run_rows() < 110 then word // 64 % least(run_rows(), 10)
        else (1 + word // 64 % greatest(case when slice(word, 0) < 3700 then day_start(day_number + 1) else run_rows() end // 50 - 1, 1)) * 50
            + slice(word, 1) % 10 - run_rotation()
    end);

-- Without customers beside them, all records are of unknown ones.
create macro is_unknown_anyway(structural_fault, lost) as
    case when run_customers_known() or structural_fault is not null then false
        else not coalesce(list_contains(lost, 'customer_id'), false) end;

create macro rival_flavors() as
    ['copy', 'poorer', 'later', 'richer', 'earlier', 'tie', 'broken', 'later', 'poorer'];

create macro structural_faults() as
    ['too_few_columns', 'invalid_encoding', 'too_many_columns', 'line_too_long', 'unterminated_quote'];

-- `files` are structs: what layout.py tells of each file.
create macro plan(files) as table
with opened as (
    select unnest(files, recursive := true)
),

listed as (
    select
        opened.*,
        unnest(range(first_row, end_row)) as row_number
    from opened
),

numbered as (
    select
        * exclude (end_row),
        (row_number + run_rotation()) // 50 as block,
        cast((row_number + run_rotation()) % 50 as integer) as place
    from listed
),

-- Rivals and originals share one of four lags, so that each can name the row of the other.
lagged as (
    select
        numbered.*,
        case
            when place >= 48 then (block // 9 + place) % 4
            when place = 47 and block % 3 = 0 then block % 4
            when place between 10 and 17 then (place - 10) % 4
        end as lag_class
    from numbered
),

pointed as (
    select
        lagged.*,
        case when place >= 47 then
            (block - run_lags()[lag_class + 1]) * 50 + 10 + greatest(place - 48, 0) * 4 + lag_class - run_rotation()
        end as original_row,
        case when place between 10 and 17 then block + run_lags()[lag_class + 1] end as rival_block
    from lagged
),

paired as (
    select
        pointed.*,
        place >= 48 and coalesce(original_row >= 0, false) as is_rival,
        place = 47 and not run_first_wins() and coalesce(original_row >= 0, false) as is_third,
        coalesce(
            (rival_block // 9 + 48 + (place - 10) // 4) % 4 = lag_class
            and rival_block * 50 + 48 + (place - 10) // 4 - run_rotation() < run_rows(),
            false
        ) as is_original
    from pointed
),

related as (
    select
        * exclude (lag_class, original_row, rival_block),
        case when is_rival or is_third then original_row else row_number end as truth_row,
        case
            when is_original then rival_block * 50 + 48 + (place - 10) // 4 - run_rotation()
            when is_rival or is_third then original_row
        end as other_row,
        case
            when is_rival then rival_flavors()[block % 9 + 1]
            when is_original then rival_flavors()[rival_block % 9 + 1]
        end as named_flavor,
        case
            when place between 40 and 44 and block = faulty_block and (place != 43 or has_long_line)
                then structural_faults()[place - 39]
        end as structural_fault
    from paired
),

-- The file of the other record, by the arithmetic of layout.py: the first file of a day is a small odd one, the others
-- share the rest evenly.
dated as (
    select
        related.*,
        day_of(other_row) as other_day,
        day_start(other_day) as other_start,
        day_start(other_day + 1) - other_start as other_day_rows,
        least(run_odd_rows(), other_day_rows // 20) as other_odd_rows
    from related
),

compared as (
    select
        dated.*,
        other_day * run_files() + case
            when other_row - other_start < other_odd_rows then 0
            else 1 + ((other_row - other_start - other_odd_rows + 1) * (run_files() - 1) - 1) // (other_day_rows - other_odd_rows)
        end as other_file
    from dated
),

judged as (
    select
        file_number,
        row_number,
        truth_row,
        block,
        place,
        is_rival,
        is_third,
        is_original,
        is_lean,
        structural_fault,
        row_number - first_row + 1 as record_number,
        day_of(truth_row) as truth_day,
        place < 10 or place between 40 and 45 as is_calm,
        -- the fields that decide between rivals are filled on purpose here, never by chance
        place between 10 and 17 or is_rival or is_third as is_controlled,
        case when other_row is null then false else other_file = file_number end as is_same_file,
        case
            when named_flavor is null then null
            -- two records of one file that no preference tells apart would be judged by a hash: make copies
            when other_file = file_number and named_flavor = 'tie' then 'copy'
            when other_file = file_number and run_first_wins() and named_flavor in ('poorer', 'richer') then 'copy'
            -- where a file lacks the only column that tells poor from rich, time decides
            when run_lean_decides() and named_flavor in ('poorer', 'richer')
                and (is_lean or run_lean()[other_file + 1])
                then case when named_flavor = 'poorer' then 'earlier' else 'later' end
            else named_flavor
        end as flavor,
        case when other_row is null then false
            when other_file = file_number then other_row < row_number
            else run_ranks()[other_file + 1] < path_rank end as is_other_first,
        case when other_row is null then is_lean else is_lean or run_lean()[other_file + 1] end as is_pair_lean,
        case
            when structural_fault is not null then null
            when place in (20, 33) or (is_rival and named_flavor = 'broken')
                then (block * 2 + cast(place = 33 as integer)) % len(run_faults())
        end as planned_fault,
        case when place in (20, 33) or is_rival then (block * 2 + cast(place = 33 as integer)) // len(run_faults()) end as fault_round,
        case when place in (25, 27, 29) then (place - 25) // 2 end as repair_kind
    from compared
),

spread_out as (
    select
        *,
        spread(truth_row, 42470972311) as value_high,
        spread(truth_row, 37775129203) as value_low,
        spread(row_number, 56293106477) as noise_high,
        spread(row_number, 46113765519) as noise_low
    from judged
),

scrambled_words as (
    select
        * exclude (value_high, value_low, noise_high, noise_low),
        scrambled(value_high, run_salts()[1]) as value_high,
        scrambled(value_low, run_salts()[2]) as value_low,
        scrambled(noise_high, run_salts()[3]) as noise_high,
        scrambled(noise_low, run_salts()[4]) as noise_low
    from spread_out
),

drawn as (
    select
        * exclude (value_high, value_low, noise_high, noise_low),
        case when run_first_wins() then wins_by_path(is_rival, is_original, flavor, is_same_file, is_other_first)
            else wins_key(is_rival, is_third, is_original, flavor, is_other_first) end as is_winner,
        is_poor(is_rival, is_third, is_original, flavor) as is_poorer,
        is_rival or is_original as is_paired,
        structural_fault is null and planned_fault is null as is_accepted,
        -- one fault may be too costly to be frequent
        case when planned_fault = run_rare_fault() and fault_round % 25 != 0 then 0 else planned_fault end as fault,
        mixed(value_high) as value_high,
        mixed(value_low) as value_low,
        mixed(noise_high) as noise_high,
        mixed(noise_low) as noise_low
    from scrambled_words
),

timed as (
    select
        *,
        case when fault is not null then run_faults()[fault + 1] end as fault_told,
        picked_shape(block, place, slice(value_high, 0), is_calm or is_controlled) as original_shape,
        -- 4 % of the records arrive one to three days late
        run_moment(truth_day - case when slice(value_high, 1) < 160 then slice(value_high, 1) % 3 + 1 else 0 end, value_low)
            as moment
    from drawn
),

cut as (
    select
        * exclude (moment, original_shape),
        case when fault is not null then fault_told.lost end as lost,
        case when fault is not null then fault_told.refused end as refused,
        shape_floor(moment, original_shape) as original_at,
        case when is_third then picked_shape(block, place, slice(noise_high, 0), true)
            when not is_rival then original_shape
            when flavor in ('copy', 'tie') then original_shape
            else picked_shape(block, place, slice(noise_high, 0), true) end as shape
    from timed
),

moved as (
    select
        * exclude (original_at),
        make_timestamp(case when is_rival or is_third
            then shape_floor(original_at + rival_seconds(is_third, flavor) * 1000000, shape)
            else original_at end) as event_at
    from cut
),

told as (
    select
        *,
        case
            when refused is null then shape_text(event_at, shape, slice(value_high, 2))
            else walked(refused_times(), fault_round * 5 + refused)
        end as time_text
    from moved
)

select
    *,
    case when is_quoted_shape(shape) then trim(time_text, '"') else time_text end as time_value,
    case when is_accepted then shape end as time_shape,
    is_accepted and is_winner as is_best,
    verdict(is_accepted, is_winner) as verdict,
    is_messy(lost, is_calm, noise_high, block) as is_messy,
    case
        when is_accepted then []
        when structural_fault is not null then [structural_fault]
        else fault_told.reasons
    end as reasons
from told;
