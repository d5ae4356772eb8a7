"""One partition's way onto the disk: under a lock, what the record says has landed decides what may still
land."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sluice.streams.disk import Disk, read_tail
from sluice.streams.names import Place, Position, file_name, parse_name, safe_topic
from sluice.streams.record import Landed, Line, decide, newest, parse_line, with_files
from sluice.streams.torn import Torn, is_torn

_COMPACT_ABOVE = 4 << 20


class HoleError(Exception):
    """The batch does not continue from what has landed: read again from `landed`."""

    def __init__(self, landed: Landed) -> None:
        super().__init__(f"what has landed ends at {landed.last}, generation {landed.generation}")
        self.landed = landed


@dataclass(frozen=True)
class Landing:
    """What became of a batch."""

    landed: Landed
    messages: int = 0
    skipped: int = 0
    file: str = ""
    size: int = 0


class Lander:
    """Lands the batches of one partition of one feed. Several processes may try at once; none lands twice."""

    def __init__(
        self,
        feed_folder: Path,
        place: Place,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.place = place
        self._folder = feed_folder
        self._disk = disk or Disk()
        self._clock = clock
        offsets = feed_folder / "_offsets" / place.broker
        self._disk.make_folder(offsets)
        self._record = offsets / f"{place.stem}.jsonl"
        self._lock = offsets / f"{place.stem}.lock"
        self._sizes: dict[str, int] = {}  # of the files in landing, as they were written
        self.replaced: Landed | None = None
        """What `open` found of another topic of the same name, when it began a new generation."""

    def open(self, topic_id: str = "", begins_after: Position | None = None) -> Landed:
        """Reconcile record and files after whatever happened, and say where to go on.

        A topic id that differs from the recorded one is another topic of the same name: a new generation.
        `begins_after` is where a partition without a record begins. Raises BusyError.
        """
        with self._disk.lock(self._lock):
            recorded = self._recorded()
            self._remove_leftovers()
            state = with_files(recorded, self._files())
            if topic_id and state.topic_id and topic_id != state.topic_id:
                self.replaced = state
                state = Landed(None, state.generation + 1, topic_id)
            elif topic_id:
                state = replace(state, topic_id=topic_id)
            if state.last is None and state.generation == 1 and begins_after:
                state = replace(state, last=begins_after)
            if state != recorded:
                self._append(Line("opened", state))
            self._sizes = self._recorded_sizes()
            return state

    def torn(self) -> list[Torn]:
        """The files of this partition that were cut short since they landed; a file that was shortened on purpose has
        another size in the record by now."""
        if self._shorter():
            self._sizes = self._recorded_sizes()
        return self._shorter()

    def _shorter(self) -> list[Torn]:
        found = []
        for file, size in list(self._sizes.items()):
            path = self._folder / file
            parsed = parse_name(path.name)
            try:
                if parsed and path.stat().st_size < size and is_torn(path, parsed[1], parsed[4]):
                    found.append(Torn(file, parsed[2], parsed[3], parsed[4]))
            except FileNotFoundError:  # archived
                del self._sizes[file]
        return found

    def mend(self, torn: Torn, data: bytes | None) -> None:
        """Put the whole file in place of the torn one, which is kept in the folder _torn; None: what is missing
        cannot be had, so the file stays as it is, and counts as whole. Raises BusyError, OSError."""
        with self._disk.lock(self._lock):
            path = self._folder / torn.file
            if data is not None:
                aside = path.with_name(path.name + ".part")
                self._disk.write_aside(aside, data)
                kept = self._folder / "_torn" / path.name
                self._disk.make_folder(kept.parent)
                self._disk.write_aside(kept, path.read_bytes())
                self._disk.rename(aside, path)
            size = path.stat().st_size
            self._append(Line("mended", self._recorded(), torn.file, size))
            self._sizes[torn.file] = size

    def restart(self, seen: Landed, topic_id: str) -> Landed:
        """Begin a new generation, because the broker's partition ends before what landed, or belongs to another topic
        of the same name. Raises BusyError, HoleError."""
        return self._note(seen, Landed(None, seen.generation + 1, topic_id or seen.topic_id))

    def pass_over(self, seen: Landed, position: Position) -> Landed:
        """Note that up to this position, nothing follows what has landed but positions without a message. Raises
        BusyError, HoleError, OSError."""
        return self._note(seen, replace(seen, last=position, is_sparse=True), durable=False)

    def _note(self, seen: Landed, state: Landed, durable: bool = True) -> Landed:
        with self._disk.lock(self._lock):
            recorded = self._recorded()
            if recorded != seen:
                raise HoleError(recorded)
            self._append(Line("opened", state), durable)
            return state

    def land(
        self,
        generation: int,
        after: Position | None,
        positions: list[Position],
        encode: Callable[[int], bytes],
    ) -> Landing:
        """Land the messages at these ascending positions that have not landed yet, as one file.

        `after` is the position up to which the reader had seen everything before; `encode(n)` gives the
        file's bytes without the first n messages. Raises BusyError, HoleError, OSError; after each of them
        nothing has changed.
        """
        with self._disk.lock(self._lock):
            state = self._recorded()
            decision = decide(state, generation, after, positions)
            if decision.hole:
                raise HoleError(state)
            if decision.skip == len(positions):
                return Landing(state, skipped=decision.skip)
            first, last = positions[decision.skip], positions[-1]
            day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
            target = self._folder / f"ingest_date={day}" / file_name(self.place, generation, first, last)
            aside = target.with_name(target.name + ".part")
            data = encode(decision.skip)
            self._disk.make_folder(target.parent)
            self._disk.write_aside(aside, data)
            after_landing = replace(state, last=last)
            relative = target.relative_to(self._folder).as_posix()
            try:
                self._append(Line("begin", after_landing, relative, len(data)))
                self._disk.rename(aside, target)
            except OSError:
                aside.unlink(missing_ok=True)
                if not target.exists():
                    raise
            self._append(Line("landed", after_landing, relative, len(data)), durable=False)
            self._sizes[relative] = len(data)
            return Landing(after_landing, len(positions) - decision.skip, decision.skip, relative, len(data))

    def _recorded(self) -> Landed:
        """The record's state; what a crash left open in it is closed first."""
        window = 1 << 13
        while True:
            tail, complete = read_tail(self._record, window)
            lines = [line for line in map(parse_line, tail.decode(errors="replace").splitlines()) if line]
            if complete or any(line.kind != "begin" for line in lines):
                break
            window *= 4
        state = newest(lines, lambda file: (self._folder / file).exists())
        torn = bool(tail) and not tail.endswith(b"\n")
        unsettled = bool(lines) and lines[-1].kind == "begin" and lines[-1].landed == state
        if torn:
            self._disk.append(self._record, b"\n")
        if unsettled:
            self._append(Line("landed", state, lines[-1].file, lines[-1].size))
        if not complete and self._record.stat().st_size > _COMPACT_ABOVE:
            aside = self._record.with_suffix(".part")
            self._disk.write_aside(aside, Line("opened", state).to_text().encode())
            self._disk.rename(aside, self._record)
        return state

    def _recorded_sizes(self) -> dict[str, int]:
        """What the record still tells of the sizes of files."""
        text = read_tail(self._record, _COMPACT_ABOVE)[0].decode(errors="replace")
        lines = filter(None, map(parse_line, text.splitlines()))
        return {line.file: line.size for line in lines if line.file and line.size}

    def _append(self, line: Line, durable: bool = True) -> None:
        self._disk.append(self._record, line.to_text().encode(), durable)

    def _files(self) -> list[tuple[int, Position]]:
        """(generation, last position) of each file of this partition that is in landing."""
        ours = []
        for path in self._folder.glob(f"ingest_date=*/{safe_topic(self.place.topic)}*.csv"):
            parsed = parse_name(path.name)
            if parsed and parsed[0] == safe_topic(self.place.topic) and parsed[1] == self.place.partition:
                same_broker = (len(parsed[4]) == 1) == (self.place.broker == "kafka")
                if same_broker:
                    ours.append((parsed[2], parsed[4]))
        return ours

    def _remove_leftovers(self) -> None:
        """Files that never got their name. Only the lock's holder writes them, so nobody is writing now."""
        for path in self._folder.glob(f"ingest_date=*/{safe_topic(self.place.topic)}*.csv.part"):
            parsed = parse_name(path.name.removesuffix(".part"))
            if parsed and parsed[:2] == (safe_topic(self.place.topic), self.place.partition):
                path.unlink(missing_ok=True)
