-- Chance: words of random bits for each row.

-- Random words of 62 bits for a row, by arithmetic that no version of the engine can change: multiply, fold, multiply, fold.
-- Nothing overflows up to 134 million rows, where the rows begin to repeat their luck.
create macro spread(row_number, multiplier) as (row_number % 134217728 + 1) * multiplier;

create macro folded(word, salt) as ((xor(word, word >> 29) + salt) & 2147483647) * 2862933555;

create macro mixed(row_number, multiplier, salt) as
    xor(folded(spread(row_number, multiplier), salt), folded(spread(row_number, multiplier), salt) >> 31);

create macro value_high(row_number) as mixed(row_number, 42470972311, run_salts()[1]);

create macro value_low(row_number) as mixed(row_number, 37775129203, run_salts()[2]);

create macro noise_high(row_number) as mixed(row_number, 56293106477, run_salts()[3]);

create macro noise_low(row_number) as mixed(row_number, 46113765519, run_salts()[4]);

-- One of five 12-bit numbers (0-4095) in a word; the fifth is less random than the others.
create macro slice(word, place) as (word >> (place * 12)) & 4095;

-- A time in a day of the run, in microseconds.
create macro run_moment(day_number, word) as epoch_us(run_start()) + day_number * 86400000000 + word % 86400000000;
