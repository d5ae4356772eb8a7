-- Chance: words of random bits for each row.

-- Random words of 62 bits for a row, by arithmetic that no version of the engine can change: multiply (spread), fold and
-- multiply (scrambled), fold (mixed). Nothing overflows up to 134 million rows, where the rows begin to repeat their luck.
create macro spread(row_number, multiplier) as (row_number % 134217728 + 1) * multiplier;

create macro scrambled(word, salt) as ((xor(word, word >> 29) + salt) & 2147483647) * 2862933555;

create macro mixed(word) as xor(word, word >> 31);

-- One of five 12-bit numbers (0-4095) in a word; the fifth is less random than the others.
create macro slice(word, place) as (word >> (place * 12)) & 4095;

-- A time in a day of the run, in microseconds.
create macro run_moment(day_number, word) as epoch_us(run_start()) + day_number * 86400000000 + word % 86400000000;
