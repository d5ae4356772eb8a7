"""Which files a run writes: their paths, rows and dress, by arithmetic that sql/plan.sql repeats for rows."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cached_property

from sluice.generate.dress import ODD_DRESSES, REGULAR_DRESSES, Dress
from sluice.generate.feeds import Feed

BLOCK = 50
"""Rows in a block; sql/plan.sql gives each place in it a role."""
FAULTY_PLACES = (40, 45)
"""The first and last place of a block that structural faults and the good line after them need."""
LARGEST_FILE = 1_000_000
"""Rows of the largest file: what is in memory at once is one file per worker."""
LARGEST_BATCH = 40_000
"""Rows of small files that are made at once: planning a query costs as much as thousands of rows."""
LARGE_RUN = 200_000
"""From this many rows on, rare forms stand together instead of everywhere, for the engine's sake."""
ODD_ROWS = 500
"""Rows of the largest odd (UTF-16) file: readers take such files a slow way, so they stay small."""


@dataclass(frozen=True)
class LandingFile:
    """One file of the landing zone; its rows are those with first_row <= number < end_row."""

    number: int
    path: str
    ingest_date: dt.date
    first_row: int
    end_row: int
    dress: Dress
    faulty_block: int
    has_long_line: bool


@dataclass(frozen=True)
class Layout:
    """The files and the constants of one feed in one run."""

    feed: Feed
    rows: int
    days: int
    seed: int
    start: dt.date
    structural_faults: bool
    customers_known: bool

    @property
    def rotation(self) -> int:
        """How far blocks are shifted; not where so few customers are that orders take the first."""
        return self.seed % BLOCK if self.rows >= 110 else 0

    @cached_property
    def files_per_day(self) -> int:
        """The odd file and the regular ones, as many as keep each below LARGEST_FILE."""
        largest_day = -(-self.rows // self.days)
        return 1 + max(self.feed.files_per_day, -(-largest_day // LARGEST_FILE))

    def _day_start(self, day: int) -> int:
        return day * self.rows // self.days

    @cached_property
    def _slots(self) -> list[LandingFile]:
        """Every file number in turn, those without rows too."""
        return [self._slot(day, place) for day in range(self.days) for place in range(self.files_per_day)]

    def _slot(self, day: int, place: int) -> LandingFile:
        start, end = self._day_start(day), self._day_start(day + 1)
        odd = min(ODD_ROWS, (end - start) // 20)
        regular = self.files_per_day - 1
        if place == 0:
            first, last = start, start + odd
        else:
            share = end - start - odd
            first = start + odd + (place - 1) * share // regular
            last = start + odd + place * share // regular
        dress = self._dress(day, place)
        block = -1
        if self.structural_faults and place == self._faulty_place(day):
            block = self._faulty_block(first, last)
        return LandingFile(
            number=day * self.files_per_day + place,
            path=self._path(day, place, dress),
            ingest_date=self.start + dt.timedelta(days=day),
            first_row=first,
            end_row=last,
            dress=dress,
            faulty_block=block,
            has_long_line=block >= 0 and day == 0,
        )

    def _dress(self, day: int, place: int) -> Dress:
        if place == 0:
            return ODD_DRESSES[(day + self.seed) % len(ODD_DRESSES)]
        turn = day * (self.files_per_day - 1) + place - 1 + self.feed.first_dress
        return REGULAR_DRESSES[turn % len(REGULAR_DRESSES)]

    def _faulty_place(self, day: int) -> int | None:
        """The file of the day that holds the structural faults: one that text can be spoilt in."""
        regular = self.files_per_day - 1
        turns = (1 + (day + turn) % regular for turn in range(regular))
        return next((place for place in turns if self._dress(day, place).is_spoilable), None)

    def _faulty_block(self, first: int, end: int) -> int:
        """The block in the middle of these rows, or -1 if none fits."""
        middle = ((first + end) // 2 + self.rotation) // BLOCK
        for block in (middle, middle - 1, middle + 1):
            row = block * BLOCK - self.rotation
            if first <= row + FAULTY_PLACES[0] and row + FAULTY_PLACES[1] < end:
                return block
        return -1

    def _digest(self, *told: int) -> str:
        return hashlib.sha256(
            "/".join((str(self.seed), self.feed.name, *map(str, told))).encode()
        ).hexdigest()

    def _path(self, day: int, place: int, dress: Dress) -> str:
        """Names begin with a hash, so that their byte order is not the order in which records were made."""
        token = self._digest(day, place)[:6]
        hour = f"hour={place * 24 // self.files_per_day:02d}/" if dress.in_hour_folder else ""
        date = self.start + dt.timedelta(days=day)
        return (
            f"{self.feed.name}/ingest_date={date}/{hour}{self.feed.stem}-{token}-{place:02d}.{dress.suffix}"
        )

    @cached_property
    def files(self) -> list[LandingFile]:
        """The files to write, in the order of their rows."""
        return [file for file in self._slots if file.end_row > file.first_row]

    @cached_property
    def _ranks(self) -> dict[int, int]:
        """The place of each file number among all paths in byte order."""
        by_path = sorted(self._slots, key=lambda file: file.path.encode())
        return {file.number: rank for rank, file in enumerate(by_path)}

    @cached_property
    def batches(self) -> list[list[LandingFile]]:
        """The files in batches whose rows are made at once: many small files, or one large one."""
        batches: list[list[LandingFile]] = []
        small: list[LandingFile] = []
        room = 0
        for file in self.files:
            rows = file.end_row - file.first_row
            if rows > LARGEST_BATCH // 4:
                batches.append([file])
                continue
            if rows > room:
                small, room = [], LARGEST_BATCH
                batches.append(small)
            small.append(file)
            room -= rows
        return batches

    def told(self, files: list[LandingFile]) -> str:
        """The argument of run_records(): what sql/plan.sql must know of these files."""
        return str(
            [
                {
                    "file_number": file.number,
                    "first_row": file.first_row,
                    "end_row": file.end_row,
                    "path_rank": self._ranks[file.number],
                    "is_lean": file.dress.is_lean,
                    "faulty_block": file.faulty_block,
                    "has_long_line": file.has_long_line,
                }
                for file in files
            ]
        )

    def constants(self) -> str:
        """The run_…() macros that sql/*.sql uses."""
        regular_rows = -(-self.rows // self.days // max(1, self.files_per_day - 1))
        per_file, per_day = max(1, regular_rows // BLOCK), max(1, self.rows // self.days // BLOCK)
        values = {
            "run_feed": f"'{self.feed.name}'",
            "run_salts": str([int(self._digest(word)[:7], 16) for word in range(4)]),
            "run_rows": f"cast({self.rows} as bigint)",
            "run_days": str(self.days),
            "run_start": f"timestamp '{self.start}'",
            "run_rotation": str(self.rotation),
            "run_files": str(self.files_per_day),
            "run_odd_rows": str(ODD_ROWS),
            "run_is_large": str(self.rows >= LARGE_RUN).lower(),
            "run_lags": f"[0, {per_file}, {per_day}, {3 * per_day}]",
            "run_ranks": str([self._ranks[file.number] for file in self._slots]),
            "run_lean": str([file.dress.is_lean for file in self._slots]).lower(),
            "run_first_wins": str(self.feed.first_wins).lower(),
            "run_lean_decides": str(self.feed.lean_decides).lower(),
            "run_rare_fault": str(self.feed.rare_fault),
            "run_date_share": str(self.feed.date_share),
            "run_customers_known": str(self.customers_known).lower(),
        }
        return "\n".join(f"create macro {name}() as {value};" for name, value in values.items())
