"""Where everything that is not code lives: `SLUICE_HOME` and the two folders that may be moved out of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from sluice import durable

PROJECT_ROOT = Path(__file__).resolve().parents[2]
"""The checkout: the folder that holds dbt_project.yml."""


@dataclass(frozen=True)
class Home:
    """The folders of one data home, as absolute paths."""

    root: Path
    landing: Path
    published: Path

    @property
    def archive(self) -> Path:
        """Raw records of landing files that were archived, as Parquet."""
        return self.root / "archive"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the default engine."""
        return self.root / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        """Partitioned Parquet copies for other tools."""
        return self.root / "lake"

    @property
    def reports(self) -> Path:
        """validation_report.json and alerts.json, one folder per ingest date."""
        return self.root / "reports"

    @property
    def work(self) -> Path:
        """Scratch space of a running build; safe to delete when nothing runs."""
        return self.root / "work"

    def prepare(self) -> None:
        """Make the folders that everything else stands in, each with its access: the home may be entered by those who
        read what is published, landing and work are its user's own."""
        durable.make_folder(self.root, is_public=True)
        durable.make_folder(self.published, is_public=True)
        durable.make_folder(self.landing)
        durable.make_folder(self.work)


def data_home() -> Home:
    """The data home named by the environment: SLUICE_HOME (default: data/ in the checkout),
    SLUICE_LANDING and SLUICE_PUBLISHED. Relative paths are relative to the working directory;
    an empty variable counts as unset."""
    root = Path(os.environ.get("SLUICE_HOME") or PROJECT_ROOT / "data").absolute()
    landing = Path(os.environ.get("SLUICE_LANDING") or root / "landing").absolute()
    published = Path(os.environ.get("SLUICE_PUBLISHED") or root / "published").absolute()
    return Home(root=root, landing=landing, published=published)
