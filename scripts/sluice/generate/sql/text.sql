-- How a value looks in a raw file. `roll` is 0-4095; 4095 means: as it is.

-- Each branch of a case costs the engine microseconds in every batch of rows, however few take it: forms are looked up in
-- lists where they can be.

-- Surrounding white space of every kind the contract trims; quoted where a delimiter or a line end could be meant.
create macro padded(value, roll) as
    concat(
        ['"', ' ', '', ' ', chr(160), '" ', '', chr(12), '"', '"', '"'][roll % 11 + 1],
        value,
        ['"', '', '  ', ' ', chr(160), chr(9) || '"', chr(11), '', '"', '"', '"'][roll % 11 + 1]
    );

-- A field that holds nothing.
create macro blank(roll) as ['', ' ', '', '""', '', chr(160), '', '" ' || chr(9) || ' "', '', '   '][roll % 10 + 1];

-- A field of a messy record. `lost` are the columns a fault empties (null: none); values that need quotes have them already.
create macro messy_field(value, roll, lost, name) as
    case
        when value is null or list_contains(lost, name) then blank(roll)
        when roll >= 1536 or value[1] = '"' then value
        when roll < 8 then concat('"', value, chr(13), chr(10), '"')
        else padded(value, roll)
    end;

-- A field of a record that is not messy.
create macro kept_field(value, lost, name) as case when list_contains(lost, name) then '' else value end;

-- One record in twenty is messy: some of its fields are padded or quoted. In large runs they stand together.
create macro is_messy(lost, is_calm, noise_word, block) as
    case
        when run_is_large() and block // 40 % 4 > 0 then false
        else lost is not null or (not is_calm and slice(noise_word, 4) < case when run_is_large() then 820 else 205 end)
    end;

create macro quoted(value) as '"' || replace(value, '"', '""') || '"';

create macro quoted_if_needed(value) as
    case when regexp_matches(value, '[",;|\t\n\r]') then quoted(value) else value end;

-- For fields that are folded to lower case: received in any case. For those folded to upper case alike.
create macro any_case(value, roll) as
    case when roll >= 600 then value when roll % 2 = 0 then upper(value) else upper(value[1]) || lower(value[2:]) end;

-- A whole number >= 0 as any number the contract reads, with the fraction that the form adds.
create macro number_value(whole, form) as
    case when form = 0 then cast(whole as double)
        else whole * [1e0, 1e0, 1e1, 1e0, 1e0][form] + [0.5e0, 0.25e0, 0e0, 0e0, 0e0][form] end;

create macro number_text(whole, form) as
    case when form = 0 then cast(whole as varchar)
        else concat(['', '', '', '+', ''][form], whole, ['.5', '.250', 'e1', '', '.0'][form]) end;

create macro not_numbers() as ['fast', 'Infinity', 'inf', '-inf', '0x1F', '1_000', '12ms', '"1,234"', '"12,5"', '+', '1e', '--5', '١٢', 'zero', '1 000'];

-- One amount in four is not written plainly; the largest that fits is rare.
create macro amount_form(roll, other_roll, row_number) as
    case when roll % 4 > 0 or (other_roll % 11 = 9 and row_number % 29 > 0) then 0 else other_roll % 11 end;

-- Money: cents, and the form they are written in. The value is exact; form 5 is rounded half away from zero.
create macro amount_value(cents, form) as
    cast(case form
        when 1 then (cents + 123456700) * 0.01
        when 2 then (cents % 99 + 1) * 0.01
        when 3 then (cents // 100 + 1) * 1.0
        when 4 then cents * 0.01 + 0.0037
        when 5 then cents * 0.01 + 0.0001
        when 6 then cents * 0.01
        when 7 then (cents // 100 + 1) * 100.0
        when 8 then (cents // 100 + 1000) * 1.0
        when 9 then 99999999999990.0 + (cents % 10) + 0.9999
        when 10 then (cents // 10) * 0.1
        else cents * 0.01
    end as decimal(18, 4));

create macro plain_cents(cents) as concat(cents // 100, '.', lpad(cast(cents % 100 as varchar), 2, '0'));

create macro amount_text(cents, form) as
    case form
        when 1 then concat('"', format('{:,}', (cents + 123456700) // 100), '.', lpad(cast(cents % 100 as varchar), 2, '0'), '"')
        when 2 then concat('.', lpad(cast(cents % 99 + 1 as varchar), 2, '0'))
        when 3 then cast(cents // 100 + 1 as varchar)
        when 4 then plain_cents(cents) || '37'
        when 5 then plain_cents(cents) || '005'
        when 6 then '+' || plain_cents(cents)
        when 7 then concat(cents // 100 + 1, 'e2')
        when 8 then concat('"', format('{:,}', cents // 100 + 1000), '"')
        when 9 then concat('9999999999999', cents % 10, '.9999')
        when 10 then concat(cents // 100, '.', cents // 10 % 10)
        else plain_cents(cents)
    end;

-- None of them has a decimal comma: its file would then be read in another way.
create macro not_amounts() as [
    '"0,075"', 'abc', 'Infinity', 'inf', '0x1F', '1_000', '12.3.4', '"12,34.50"', '"1,2345.0"', '123456789012345', '12 EU', '€12 EUR',
    '--5', '"1.234,5,0"', '+', '1e', '(12', '١٢', '$-5-', '(-5)'
];

create macro negative_amounts() as ['-5.00', '-0.01', '"-1,234.50"', '-.75', '-12', '-3e1'];

create macro zero_amounts() as ['0', '0.00', '.0', '0e0'];

-- One of a list, walking through it.
create macro walked(items, step) as items[cast(step % len(items) as integer) + 1];
