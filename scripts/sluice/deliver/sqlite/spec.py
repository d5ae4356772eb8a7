"""What a publication consists of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One published table.

    Attributes:
        name: table in the published file.
        columns: pairs of (column, SQLite type), in order.
        key: primary key, empty for a table without one.
        mode: "sync" makes the table equal to the staged rows; "replace" replaces, for each row of the
            staged table `<name>__changed`, the rows that agree with it, by the staged rows.
        changed_by: columns of `<name>__changed` (mode "replace").
        null_is_any: a null in the last of changed_by stands for every value; other rows of `<name>__changed` are then
            looked for in one pass over the table.
        indexes: column lists of further indexes.
        partial_index: a column, and a SQL condition that the rows meet which an index of it holds; or None.
        is_in_partial_index: that index holds every row that the pass of null_is_any may find; then there is no such pass.
        scope: SQL condition: the staged rows are all rows that meet it; other published rows stay. None: all.
        keep_where: SQL condition that rows must meet to stay (a moving window), or None.
        file_by: the first column of the staged tables, which names the file a row goes to and is no column
            there; empty for a table of one file.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()
    mode: str = "sync"
    changed_by: tuple[str, ...] = ()
    null_is_any: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()
    partial_index: tuple[str, str] | None = None
    is_in_partial_index: bool = False
    scope: str | None = None
    keep_where: str | None = None
    file_by: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(name for name, _ in self.columns)


@dataclass(frozen=True)
class Publication:
    """Everything that one transaction on one published file does.

    Attributes:
        tables: the tables to bring up to date; others in the file stay as they are.
        build: the row of `_build`: build_id, published_at, contract_version.
        batches: what the file reflects afterwards: pairs of (feed, identity of its last change) for
            `_published_batches`. Of a folder of files: none, its `.sluice.json` says so.
        warehouse_id: identity of the warehouse that they are changes of.
        is_public: everybody may read the file, as the umask leaves it; else its user alone.
    """

    tables: tuple[Table, ...]
    build: dict[str, str]
    batches: tuple[tuple[str, str], ...] = ()
    warehouse_id: str = ""
    is_public: bool = False
