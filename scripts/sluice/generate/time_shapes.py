"""Every shape of an instant: those the contract accepts, each with its precision, and those it refuses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TimeShape:
    """`sql` writes the instant `moment` (a UTC timestamp, already cut to `unit`); `roll` is 0-4095 of noise.
    `unit` is what survives: microsecond, millisecond, second, minute or day; `old` moves the second
    to 2001-09-08, where epochs have one digit less."""

    name: str
    unit: str
    sql: str


def _zoned(name: str, zone: str, minutes: int, layout: str = "%Y-%m-%dT%H:%M:%S") -> TimeShape:
    shifted = f"moment + to_minutes({minutes})" if minutes else "moment"
    return TimeShape(name, "second", f"strftime({shifted}, '{layout}{zone}')")


# No two shapes share an expression on text: the engine would compute it for every row. The first COMMON
# shapes carry most records; none of them needs quotes and all keep seconds.
ACCEPTED = [
    TimeShape("iso_space_short", "microsecond", "cast(moment as varchar)"),
    TimeShape("iso_t_micros_z", "microsecond", "strftime(moment, '%Y-%m-%dT%H:%M:%S.%fZ')"),
    TimeShape("epoch_millis", "millisecond", "cast(epoch_us(moment) // 1000 as varchar)"),
    TimeShape("iso_t_millis_z", "millisecond", "strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ')"),
    TimeShape("iso_t_seconds_z", "second", "strftime(moment, '%Y-%m-%dT%H:%M:%SZ')"),
    TimeShape("iso_space_seconds", "second", "strftime(moment, '%Y-%m-%d %H:%M:%S')"),
    TimeShape("epoch_seconds", "second", "cast(epoch_us(moment) // 1000000 as varchar)"),
    TimeShape("slash_seconds", "second", "strftime(moment, '%d/%m/%Y %H:%M:%S')"),
    _zoned("iso_offset_colon", "+02:00", 120),
    TimeShape("iso_t_no_zone", "second", "strftime(moment, '%Y-%m-%dT%H:%M:%S')"),
    TimeShape("iso_space_micros", "microsecond", "strftime(moment, '%Y-%m-%d %H:%M:%S.%f')"),
    TimeShape("iso_t_one_digit", "second", "strftime(moment, '%Y-%m-%dT%H:%M:%S.0Z')"),
    TimeShape(
        "iso_t_nanos",
        "microsecond",
        "strftime(moment, '%Y-%m-%dT%H:%M:%S.%f') || lpad((roll % 1000)::varchar, 3, '0') || 'Z'",
    ),
    TimeShape("iso_t_minutes", "minute", "strftime(moment, '%Y-%m-%dT%H:%MZ')"),
    TimeShape("iso_space_minutes", "minute", "strftime(moment, '%Y-%m-%d %H:%M')"),
    _zoned("iso_utc_word", "UTC", 0),
    _zoned("iso_space_utc_word", " UTC", 0, "%Y-%m-%d %H:%M:%S"),
    _zoned("iso_gmt_word", " GMT", 0),
    _zoned("iso_space_z", " Z", 0),
    _zoned("iso_offset_hours", "-05", -300),
    _zoned("iso_offset_digits", "+0545", 345),
    _zoned("iso_offset_half_hour", "-03:30", -210, "%Y-%m-%d %H:%M:%S"),
    _zoned("iso_space_offset", " +05:30", 330, "%Y-%m-%d %H:%M:%S"),
    _zoned("iso_offset_widest_east", "+14:00", 840),
    _zoned("iso_offset_widest_west", "-14:00", -840),
    TimeShape("basic", "second", "strftime(moment, '%Y%m%dT%H%M%S')"),
    TimeShape("basic_z", "second", "strftime(moment, '%Y%m%dT%H%M%SZ')"),
    TimeShape("date", "day", "strftime(moment, '%Y-%m-%d')"),
    TimeShape("slash_date", "day", "strftime(moment, '%d/%m/%Y')"),
    TimeShape("dot_date", "day", "strftime(moment, '%d.%m.%Y')"),
    TimeShape("slash_minutes", "minute", "strftime(moment, '%d/%m/%Y %H:%M')"),
    TimeShape("dot_minutes", "minute", "strftime(moment, '%d.%m.%Y %H:%M')"),
    TimeShape("dot_seconds", "second", "strftime(moment, '%d.%m.%Y %H:%M:%S')"),
    TimeShape(
        "epoch_fraction",
        "microsecond",
        "concat(epoch_us(moment) // 1000000, '.', lpad((epoch_us(moment) % 1000000)::varchar, 6, '0'))",
    ),
    TimeShape("epoch_tenths", "second", "concat(epoch_us(moment) // 1000000, '.0')"),
    TimeShape("epoch_micros", "microsecond", "cast(epoch_us(moment) as varchar)"),
    TimeShape("epoch_nanos", "microsecond", "concat(epoch_us(moment), lpad((roll % 999)::varchar, 3, '0'))"),
    TimeShape("epoch_9_digits", "old", "concat(epoch_us(moment) // 1000000)"),
    TimeShape("epoch_12_digits", "old", "concat(epoch_us(moment) // 1000)"),
    TimeShape("epoch_15_digits", "old", "concat(epoch_us(moment))"),
    TimeShape("epoch_18_digits", "old", "concat(epoch_us(moment), '000')"),
    TimeShape("http_gmt", "second", "strftime(moment, '\"%a, %d %b %Y %H:%M:%S GMT\"')"),
    TimeShape("http_no_weekday", "second", "strftime(moment, '%d %b %Y %H:%M:%S UTC')"),
    _zoned("http_offset", ' +0200"', 120, '"%a, %d %b %Y %H:%M:%S'),
    TimeShape("access_log", "second", "strftime(moment, '%d/%b/%Y:%H:%M:%S +0000')"),
    _zoned("access_log_offset", " -0700", -420, "%d/%b/%Y:%H:%M:%S"),
]
COMMON = 9

# Texts that are no instant in any file, as they stand there; {date} is the first date of the run, {year} its year.
REFUSED = [
    "not-a-date", "now", "infinity", "-infinity", "epoch", "today", "tomorrow", "0", "-1768303934",
    "{year}-02-30", "{year}-02-30T10:00:00Z", "30/02/{year}", "31.04.{year}", "{year}-13-01",
    "{year}-00-10", "{year}-01-00",
    "{date}T24:00:00Z", "{date} 24:00", "{date}T10:60:00Z", "{date}T10:00:61Z", "{date}T25:10:00Z",
    "{date}T10:00:00+14:30", "{date}T10:00:00-15:00", "{date}T10:00:00 Europe/Nowhere", "{date} 10:00:00 EST",
    "13/01/026", "32-13-13", "{date} 13:00 PM", "{year}-1-5-1", "5/1.{year}", "{year}/01-13", "13/13/{year}",
    "{year}1313", "{year}0113 100000", "17683039341", "17683039341234567", "1768303934123.", "1e7",
    "٢٠٢٦-٠١-١٣", "２０２６-01-13", "1899-12-31T23:59:59Z", "2100-01-01",
    "2099-12-31T23:59:59-01:00", "4102444800",
    "{date}T10", "{date}T10:00:00.Z", "10:32:14", "{date}TT10:00:00",
    "\"Tuesday, 13 Jan {year} 11:32:14\"", "31 Feb {year} 11:32:14 GMT",
    "13/Foo/{year}:11:32:14 +0000", "{date}T10:00:00Z trailing",
]  # fmt: skip

_GRAIN = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "day": 86_400_000_000,
    "old": 1_000_000,
}
"""Microseconds that a unit keeps together."""


def macros(start_year: int, start_date: str) -> str:
    """The macros over the shapes, as one SQL text: shape_names, picked_shape, shape_floor, shape_text,
    is_quoted_shape, refused_times."""
    texts = [f"when {i} then {shape.sql}" for i, shape in enumerate(ACCEPTED)]
    names = ", ".join(f"'{shape.name}'" for shape in ACCEPTED)
    refused = ", ".join("'" + text.format(date=start_date, year=start_year) + "'" for text in REFUSED)
    old = [number for number, shape in enumerate(ACCEPTED) if shape.unit == "old"]
    quoted = [number for number, shape in enumerate(ACCEPTED) if '"' in shape.sql]
    slash_date = next(number for number, shape in enumerate(ACCEPTED) if shape.name == "slash_date")
    newline = "\n            "
    return f"""
create macro shape_names() as [{names}];
create macro refused_times() as [{refused}];
-- Places 18-24 of a block take the next of all shapes in turn, the others one of the common ones.
-- In large runs a shape stays for some blocks: it costs the engine something wherever it occurs at all.
create macro picked_shape(block, place, roll, is_precise) as
    case
        when place between 18 and 24 then cast(
            case when run_is_large() then block // 40 else block * 7 + place end % {len(ACCEPTED)} as integer)
        when not is_precise and roll < run_date_share() then {slash_date} + roll % 2
        when roll < 3072 then [0, 2, 0, 1][roll % 4 + 1]
        else roll % {COMMON}
    end;
create macro shape_grains() as {[_GRAIN[shape.unit] for shape in ACCEPTED]};
-- What is left of an instant (microseconds since 1970) in this shape.
create macro shape_floor(micros, shape) as
    case
        when shape between {old[0]} and {old[-1]}
            then epoch_us(timestamp '2001-09-08') + micros % 86400000000 // 1000000 * 1000000
        else micros - micros % shape_grains()[shape + 1]
    end;
create macro is_quoted_shape(shape) as {" or ".join(f"shape = {number}" for number in quoted)};
create macro shape_text(moment, shape, roll) as
    case
        when shape < 3 then case shape {" ".join(texts[:3])} end
        when shape < {COMMON} then case shape {" ".join(texts[3:COMMON])} end
        else case shape
            {newline.join(texts[COMMON:])}
        end
    end;
"""
