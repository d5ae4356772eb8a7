"""How a file looks beside its values: delimiter, line ends, header, column order, encoding, compression."""

from dataclasses import dataclass

from sluice.generate.feeds import Feed

SPOILT = "\ue000"
"""Stands for a byte that is not UTF-8 until the file is finished; SPOILT_BYTE takes its place."""
SPOILT_BYTE = b"\xe9"
LONG_LINE = 1_100_000
"""Characters in a line that is too long: more than 1 MiB."""


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
        """Whether structural faults may stand in this file: plain text, whose delimiter is never a padding."""
        return not self.is_gzipped and self.encoding == "utf-8" and self.delimiter != "\t"

    def columns(self, feed: Feed) -> list[tuple[str, str]]:
        """(name in the header, SQL expression of the field) in the order of the file."""
        kept = [c for c in feed.columns if not (self.is_lean and c in feed.optional)]
        if self.order == "reversed":
            kept.reverse()
        elif self.order == "rotated":
            kept = kept[2:] + kept[:2]
        columns = [(self._header_name(column), f"csv_{column}") for column in kept]
        if self.more == "extra":
            columns.insert(1, ("trace_id", "concat('trace-', row_number % 997)"))
            columns.append(("Region", "'eu-1'"))
        elif self.more == "twice":
            columns.append((self._header_name(kept[1]), "'ignored'"))
        return columns

    def _header_name(self, column: str) -> str:
        return {"lower": column, "upper": column.upper(), "padded": f" {column.title()} "}[self.header]

    def header_line(self, feed: Feed) -> str:
        bom = "\ufeff" if self.has_bom else ""
        return bom + self.delimiter.join(name for name, _ in self.columns(feed)) + ("\r" if self.line_end == "crlf" else "")

    def line_sql(self, feed: Feed, has_faults: bool) -> str:
        """The whole line of a record as one SQL expression, without its last line feed."""
        fields = [sql for _, sql in self.columns(feed)]
        between = f"'{self.delimiter}'" if self.delimiter != "\t" else "chr(9)"
        end = {"lf": "''", "crlf": "chr(13)", "mixed": "case when row_number % 3 = 0 then chr(13) else '' end"}[self.line_end]
        if self.has_blank_lines:
            end = f"concat(case when row_number % 97 = 0 then chr(10) end, {end})"

        def line(*parts: str) -> str:
            return f"concat({f', {between}, '.join(parts)}, {end})"

        if not has_faults:
            return line(*fields)
        first, second, *rest = fields
        unclosed = f"chr(34) || {second}"
        return f"""case structural_fault
            when 'too_few_columns' then {line(first, second)}
            when 'too_many_columns' then {line(*fields, "'surplus'", "'fields'")}
            when 'unterminated_quote' then {line(first, unclosed, *rest)}
            when 'invalid_encoding' then {line(first, f"{second} || chr({ord(SPOILT)})", *rest)}
            when 'line_too_long' then {line(first, f"{second} || repeat('x', {LONG_LINE})", *rest)}
            else {line(*fields)}
        end"""


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
