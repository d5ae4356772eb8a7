"""How a file looks beside its values: delimiter, line ends, header, column order, encoding, compression."""

from dataclasses import dataclass

from sluice.generate.feeds import Feed

SPOILT = "\ue000"
"""Stands for a byte that is not UTF-8 until the file is finished; SPOILT_BYTE takes its place."""
SPOILT_BYTE = b"\xe9"
LONG_LINE = 1_100_000
"""Characters in a line that is too long: more than 1 MiB."""
UNKNOWN_FIELD = "concat('x-', row_number % 997)"
"""What stands in columns that the feed does not know."""


@dataclass(frozen=True)
class Dress:
    """The look of one file."""

    name: str
    delimiter: str = ","
    line_end: str = "lf"
    header: str = "lower"
    order: str = "contract"
    more: str | None = None
    is_lean: bool = False
    has_bom: bool = False
    has_blank_lines: bool = False
    in_hour_folder: bool = False
    is_gzipped: bool = False
    encoding: str = "utf-8"

    @property
    def suffix(self) -> str:
        return "csv.gz" if self.is_gzipped else "csv"

    @property
    def is_spoilable(self) -> bool:
        """Whether structural faults may stand in it: plain text, whose delimiter is never a padding."""
        return not self.is_gzipped and self.encoding == "utf-8" and self.delimiter != "\t"

    def columns(self, feed: Feed) -> list[tuple[str, str | None]]:
        """(name in the header, column of the feed or None if it has none such), in the order of the file."""
        kept = [column for column in feed.columns if not (self.is_lean and column in feed.optional)]
        if self.order == "reversed":
            kept.reverse()
        elif self.order == "rotated":
            kept = kept[2:] + kept[:2]
        columns: list[tuple[str, str | None]] = [(self._header_name(column), column) for column in kept]
        if self.more == "extra":
            columns = [columns[0], ("trace_id", None), *columns[1:], ("Region", None)]
        elif self.more == "twice":
            columns.append((self._header_name(kept[1]), None))
        return columns

    def _header_name(self, column: str) -> str:
        return {"lower": column, "upper": column.upper(), "padded": f" {column.title()} "}[self.header]

    def header_line(self, feed: Feed) -> str:
        bom = "\ufeff" if self.has_bom else ""
        names = self.delimiter.join(name for name, _ in self.columns(feed))
        return bom + names + ("\r\n" if self.line_end == "crlf" else "\n")

    def line_sql(self, feed: Feed, has_faults: bool) -> str:
        """The whole line of a record, its end included, as one SQL expression over <feed>_records()."""
        between = f"'{self.delimiter}'" if self.delimiter != "\t" else "chr(9)"
        end = {
            "lf": "chr(10)",
            "crlf": "chr(13) || chr(10)",
            "mixed": "case when row_number % 3 = 0 then chr(13) || chr(10) else chr(10) end",
        }[self.line_end]
        if self.has_blank_lines:
            end = f"case when row_number % 97 = 0 then chr(10) || chr(10) else {end} end"

        def line(*parts: str) -> str:
            return f"concat({f', {between}, '.join(parts)}, {end})"

        columns = [column for _, column in self.columns(feed)]
        plain = [f"raw_{column}" if column else UNKNOWN_FIELD for column in columns]
        messy = [
            _messy_field(column, feed.columns.index(column)) if column else UNKNOWN_FIELD
            for column in columns
        ]
        kept = [f"kept_field({raw}, lost, '{column}')" for raw, column in zip(plain, columns, strict=True)]
        lines = f"when is_messy then {line(*messy)} when lost is null then {line(*plain)} else {line(*kept)}"
        if has_faults:
            first, second, *rest = plain
            unclosed, spoilt = f"concat(chr(34), {second})", f"concat({second}, chr({ord(SPOILT)}))"
            endless = f"concat({second}, repeat('x', {LONG_LINE}))"
            lines = f"""
            when structural_fault is null then case {lines} end
            when structural_fault = 'too_few_columns' then {line(first, second)}
            when structural_fault = 'too_many_columns' then {line(*plain, "'surplus'", "'fields'")}
            when structural_fault = 'unterminated_quote' then {line(first, unclosed, *rest)}
            when structural_fault = 'invalid_encoding' then {line(first, spoilt, *rest)}
            else {line(first, endless, *rest)}"""
        return f"case {lines} end"


def _messy_field(column: str, number: int) -> str:
    """The field of a messy record: lost to a fault, blank or padded by a chance of its own."""
    roll = f"slice({'noise_low' if number < 4 else 'noise_high'}, {number % 4})"
    return f"messy_field(raw_{column}, {roll}, lost, '{column}')"


REGULAR_DRESSES = (
    Dress("plain"),
    Dress("windows", line_end="crlf"),
    Dress("semicolons", delimiter=";", header="upper"),
    Dress("reordered", order="reversed"),
    Dress("zipped", is_gzipped=True),
    Dress("wider", more="extra"),
    Dress("lean", is_lean=True),
    Dress("marked", has_bom=True, header="padded", order="rotated"),
    Dress("hourly", delimiter="\t", in_hour_folder=True),
    Dress("mixed", delimiter="|", line_end="mixed"),
    Dress("repeated", more="twice"),
    Dress("spaced", has_blank_lines=True, in_hour_folder=True),
)
ODD_DRESSES = (
    Dress("utf16_le", encoding="utf-16-le", has_bom=True),
    Dress("utf16_be", encoding="utf-16-be", has_bom=True, line_end="crlf", delimiter=";"),
    Dress("zipped_marked", is_gzipped=True, has_bom=True, order="reversed"),
)
