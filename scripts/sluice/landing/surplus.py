"""Empty fields behind the last column: which mean nothing, and which tell that a value was taken apart."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sluice.landing.errors import UnreadableFileError
from sluice.landing.fields import State, fields_at, is_empty
from sluice.landing.header import find_repeated
from sluice.landing.names import Header, Names


@dataclass(frozen=True)
class Surplus:
    """What a file's rows usually have behind their last column.

    `usual`: so many empty fields, which mean nothing. `is_doubtful`: the last column is usually empty itself, so that a
    row with more fields than usual may as well hold a value that a delimiter took apart.
    """

    usual: int = 0
    is_doubtful: bool = False

    def may_be(self, header: Header, values: list[bytes], width: int) -> bool:
        """Whether the empty fields that a row of `width` fields has behind its `values` mean nothing."""
        if width <= max(header.width, header.named + self.usual) or width == len(values):
            return True
        return not self.is_doubtful and not _has_gap(values)


def surplus_of(lines: Iterable[bytes], header: Header, names: Names) -> Surplus:
    """What the first lines below a header say.

    Raises UnreadableFileError if rows are wider than the header because a delimiter is missing in it.
    """
    fields = fields_at(header.delimiter.encode())
    widths: Counter[int] = Counter()
    filled: Counter[int] = Counter()
    for line in lines:
        if not line or line.count(b'"') % 2 or find_repeated(line, names, header.delimiter):
            continue
        state, count = fields.count(line, 0, len(line))
        if state is State.CLOSED and count >= header.named:
            values = fields.split(line)
            if all(map(is_empty, values[min(1, header.named - 1) :])):
                continue
            if all(map(is_empty, values[header.named :])):
                widths[count] += 1
                filled[count] += not is_empty(values[header.named - 1])
            else:
                widths[-1] += 1
    rows = widths.total()
    if 2 * (rows - widths[header.named]) >= rows > 0 and (lost := names.run_together(header)):
        raise UnreadableFileError(
            f"The header has {header.named} names, most rows have more fields, and one of the names is"
            f" {lost[0]} and {lost[1]} without a delimiter between them. Deliver the file with that delimiter."
        )
    empty_behind = sorted(width for width in widths if width > 0)
    usual = max(empty_behind, key=lambda width: widths[width], default=header.named)
    if 10 * widths[usual] < 9 * rows:
        usual = header.named
    narrowest = max(usual, empty_behind[0]) if empty_behind else usual
    return Surplus(usual - header.named, is_doubtful=2 * filled[narrowest] <= widths[narrowest])


def _has_gap(values: list[bytes]) -> bool:
    """Whether an empty value stands before one that is not."""
    empty = [is_empty(value) for value in values]
    return True in empty and False in empty[empty.index(True) :]
