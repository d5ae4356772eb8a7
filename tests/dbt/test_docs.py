"""What the YAML says is compared with what was built: columns, contracts, macros, exposures, files."""

import csv
import re
import sqlite3
from contextlib import closing

import pytest
from small_home import PROJECT, SmallHome

from sluice.deliver.declared import Declared, declared_tables

pytestmark = pytest.mark.slow  # many builds

TIMES = re.compile(r".*_at$")
UNITS = {"_ms": "millisecond", "_bytes": "byte", "seconds": "second", "_rate": "from 0 to 1"}


def nodes(home: SmallHome, kind: str) -> list:
    """The project's nodes of a kind, by name."""
    return sorted((n for n in home.manifest.nodes.values() if n.resource_type == kind), key=lambda n: n.name)


def published(home: SmallHome) -> tuple[Declared, ...]:
    """The published tables, as their models declare them."""
    return declared_tables({unique_id: node.to_dict() for unique_id, node in home.manifest.nodes.items()})


def test_documented_columns_are_the_built_columns(home: SmallHome) -> None:
    """Of every model and seed, both ways and in the same order of names."""
    built: dict[str, set[str]] = {}
    for table, column in home.query(
        "select table_name, column_name from information_schema.columns where table_schema = 'main'"
    ):
        built.setdefault(table, set()).add(column)
    documented = {
        node.name: set(node.columns)
        for node in nodes(home, "model") + nodes(home, "seed")
        if node.config.materialized != "ephemeral"
    }
    assert {name: sorted(built.get(name, set()) ^ columns) for name, columns in documented.items()
            if built.get(name) != columns} == {}  # fmt: skip


def test_every_table_says_what_a_row_is(home: SmallHome) -> None:
    """A description begins with the grain."""
    said = {node.name: node.description for node in nodes(home, "model") + nodes(home, "seed")}
    assert [name for name, text in said.items() if not text.startswith("One row per ")] == []


def test_every_column_is_described(home: SmallHome) -> None:
    """No column of a model or seed without a sentence."""
    bare = [
        f"{node.name}.{column.name}"
        for node in nodes(home, "model") + nodes(home, "seed")
        for column in node.columns.values()
        if len(column.description.split()) < 2
    ]
    assert bare == []


def test_published_columns_say_unit_zone_and_what_null_means(home: SmallHome) -> None:
    """Milliseconds, bytes, seconds and rates by their unit, times by their zone, nulls by their meaning."""
    silent = []
    for table in published(home):
        columns = home.manifest.nodes[table.unique_id].columns
        for name in table.published_columns(columns):
            text = columns[name].description
            needed = [word for suffix, word in UNITS.items() if name.endswith(suffix)]
            needed += ["UTC"] if TIMES.match(name) else []
            [(nulls,)] = home.query(f'select count(*) from {table.relation} where "{name}" is null')
            needed += ["ull"] if nulls else []
            silent += [f"{table.relation}.{name}: {word}" for word in needed if word not in text]
    assert silent == []


def test_published_models_have_contracts(home: SmallHome) -> None:
    """Enforced, with the type of each column."""
    ids = {table.unique_id for table in published(home)}
    models = [node for node in nodes(home, "model") if node.unique_id in ids]
    assert len(models) > 20
    assert [node.name for node in models if not node.config.contract.enforced] == []
    assert [node.name for node in models if any(not c.data_type for c in node.columns.values())] == []


def test_published_files_hold_documented_tables_only(home: SmallHome) -> None:
    """A table or column that a reader sees is one that the YAML tells about."""
    told = {
        (table.database, table.table): {
            table.published_name(name)
            for name in table.published_columns(home.manifest.nodes[table.unique_id].columns)
        }
        for table in published(home)
    }
    seen = {}
    for database, path in (("sluice", "sluice"), ("operations", "operations"), ("tenants", "tenants/acme")):
        with closing(sqlite3.connect(home.root / "published" / f"{path}.db")) as file:
            for (table,) in file.execute("select name from sqlite_master where type in ('table', 'view')"):
                if not table.startswith(("_", "sqlite_")):
                    columns = {row[1] for row in file.execute(f'pragma table_info("{table}")')}
                    seen[database, table] = columns
    assert seen == told


def test_every_published_table_has_a_reader(home: SmallHome) -> None:
    """An exposure names it."""
    read = {parent for exposure in home.manifest.exposures.values() for parent in exposure.depends_on.nodes}
    assert [table.relation for table in published(home) if table.unique_id not in read] == []


def test_every_macro_is_documented(home: SmallHome) -> None:
    """A comment above it in its file, which names each argument. Engines' own spellings need none, generic tests need
    no arguments in it."""
    faults = []
    for macro in home.manifest.macros.values():
        if macro.package_name != "sluice" or macro.name.startswith(
            ("materialization_", "get_incremental_", "default__", "duckdb__", "spark__")
        ):
            continue
        text = (PROJECT / macro.original_file_path).read_text()
        name = macro.name.removeprefix("test_")
        comment = re.search(
            r"{#-?((?:(?!#}).)*?)-?#}\s*{%-?\s*(?:macro|test)\s+" + name + r"\(", text, re.DOTALL
        )
        if not comment or len(comment[1].split()) < 4:
            faults.append(f"{macro.name}: no comment above it in {macro.original_file_path}")
        elif not macro.name.startswith("test_"):
            signature = re.search(r"macro\s+\w+\((.*?)\)\s*-?%}", macro.macro_sql, re.DOTALL)
            names = [part.split("=")[0].strip() for part in signature[1].split(",") if part.strip()]
            faults += [f"{macro.name}: {n} is not explained" for n in names if not explains(comment[1], n)]
    assert faults == []


def explains(comment: str, argument: str) -> bool:
    """Whether a doc comment tells of an argument: by its name, or with others of its kind ("Args: as for …")."""
    return bool(re.search(rf"\b{argument}\b", comment) or re.search(r"Args: (an?|two|SQL|as)\b", comment))


def test_feeds_are_the_landing_sources(home: SmallHome) -> None:
    """The var `feeds` and the tables of the source `landing` are the same."""
    project = re.search(r"^  feeds: \[(.*)\]$", (PROJECT / "dbt_project.yml").read_text(), re.MULTILINE)
    sources = {source.name for source in home.manifest.sources.values() if source.source_name == "landing"}
    assert set(project[1].split(", ")) == sources


def test_every_entity_says_what_it_is(home: SmallHome) -> None:
    """Key, preference and columns stand in its config, and a unit test brings the preference out."""
    sources = {source.name for source in home.manifest.sources.values() if source.source_name == "landing"}
    entities = {node.name: node for node in nodes(home, "model") if node.config.materialized == "entity"}
    assert set(entities) == sources
    for node in entities.values():
        assert {"key", "best", "columns"} <= set(node.config.meta["entity"])
    tested = {
        test.model
        for test in home.manifest.unit_tests.values()
        if test.name.endswith("_prefer_the_best_record")
    }
    assert tested == sources


def test_every_reason_is_brought_out_alone(home: SmallHome) -> None:
    """Each reason of the vocabulary by a fixture record that breaks this one rule. An unknown customer is
    judged downstream, where the pipeline's tests see it."""
    with (PROJECT / "seeds" / "reject_reasons.csv").open() as file:
        reasons = {row["reject_reason"] for row in csv.DictReader(file)}
    alone = set()
    for test in home.manifest.unit_tests.values():
        for row in test.expect.rows or []:
            given = (row.get("_reject_reasons") or "[]").strip("[]").split(", ")
            alone |= set(given) if len(given) == 1 else set()
    assert reasons - alone == {"unknown_customer_id"}


def test_a_failing_test_stops_only_its_own_feed(home: SmallHome) -> None:
    """dbt skips what lies behind all the models that a failing test reads. The generic tests of a feed read a seed,
    too, that nothing depends on."""
    ancestors: dict[str, set[str]] = {}

    def above(unique_id: str) -> set[str]:
        if unique_id not in ancestors:
            parents = set(home.manifest.parent_map.get(unique_id, []))
            ancestors[unique_id] = parents.union(*(above(parent) for parent in parents))
        return ancestors[unique_id]

    stopped = [
        f"{test.name} stops {model.name}"
        for test in nodes(home, "test")
        for model in nodes(home, "model")
        if test.config.meta.get("feed") and set(test.depends_on.nodes) <= above(model.unique_id)
        if model.config.meta.get("feed") != test.config.meta["feed"]
    ]
    assert stopped == []


def test_every_feed_is_gated(home: SmallHome) -> None:
    """Rows, keys and conservation of each feed; a feed without its tests would be published unseen."""
    generic = [test for test in nodes(home, "test") if getattr(test, "test_metadata", None)]
    gates = {(test.config.meta.get("feed"), test.test_metadata.name) for test in generic}
    feeds = {source.name for source in home.manifest.sources.values() if source.source_name == "landing"}
    kinds = ("row_is_valid", "key_is_unique", "every_record_is_accounted_for")
    needed = {(feed, kind) for feed in feeds for kind in kinds}
    assert needed - gates == set()


@pytest.mark.parametrize("path", sorted((PROJECT / "tests").glob("*.sql")), ids=lambda path: path.stem)
def test_singular_tests_give_a_reason(path) -> None:
    """They say what they check, and why a row fails."""
    text = path.read_text()
    assert text.startswith("-- ")
    assert "as failure_reason" in text
