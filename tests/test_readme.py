"""README.md is executed: its commands run in a copy of the project and print what the page says."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sluice.home import PROJECT_ROOT
from sluice.readme_tables import renew

PAGE = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
REAL_DATA = Path(os.environ.get("SLUICE_REAL_DATA") or PROJECT_ROOT.parent / "shared/data/real") / "landing"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what stands after it on the fence, its text, its line."""

    language: str
    note: str
    text: str
    line: int


def blocks() -> list[Block]:
    found = re.finditer(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [Block(b[1], b[2], b[3], PAGE[: b.start()].count("\n") + 1) for b in found]


def steps(note: str) -> Iterator[tuple[Block, Block | None]]:
    """What a reader does, in order: commands with this note, each with the output shown below it, and (with
    the note `runnable`) files to write, which have their path as note."""
    page = blocks()
    for block, following in zip(page, [*page[1:], None], strict=True):
        if (block.language == "sh" and block.note == note) or (note == "runnable" and "/" in block.note):
            yield block, following if following and following.language == "text" else None


def copy_project(folder: Path) -> Path:
    """The files that git knows, or would know, and the environment of this checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (PROJECT_ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, folder / name)
    (folder / ".venv").symlink_to(PROJECT_ROOT / ".venv")
    return folder


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment of somebody who has set nothing."""
    kept = {
        n: v for n, v in os.environ.items() if not n.startswith(("SLUICE_", "DBT_")) or n == "SLUICE_THREADS"
    }
    return kept | {"SLUICE_ENV_FILE": "", "COLUMNS": "200"} | settings


def run(block: Block, project: Path, environment: dict[str, str]) -> str:
    command = ["sh", "-eu", "-c", block.text]
    done = subprocess.run(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, f"README.md line {block.line} failed:\n{block.text}\n{done.stdout[-5000:]}"
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def assert_shows(expected: Block, output: str) -> None:
    """Every line of the block is in the output, in this order; … is anything, white space is one blank."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    for wanted in expected.text.splitlines():
        pattern = re.compile(".*".join(re.escape(part) for part in " ".join(wanted.split()).split("…")))
        place = next((at for at, line in enumerate(lines) if pattern.search(line)), None)
        assert place is not None, (
            f"README.md line {expected.line} shows {wanted!r}; the output was\n{output[-5000:]}"
        )
        del lines[: place + 1]


@pytest.mark.slow
def test_the_commands_do_what_the_page_says(tmp_path: Path) -> None:
    """From the first command through a feed of one's own to a rewritten file."""
    project = copy_project(tmp_path / "sluice")
    environment = clean_environment()
    done = 0
    for block, expected in steps("runnable"):
        if block.language == "sh":
            output = run(block, project, environment)
            if expected:
                assert_shows(expected, output)
        else:
            (project / block.note).parent.mkdir(parents=True, exist_ok=True)
            (project / block.note).write_text(block.text)
        done += 1
    assert done > 12


@pytest.mark.slow
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real landing data is not on this machine")
def test_the_question_about_real_data(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "sluice")
    shutil.copytree(REAL_DATA / "service_events", project / "data/landing/service_events")
    ((block, expected),) = steps("real-data")
    assert expected
    assert_shows(expected, run(block, project, clean_environment()))


def test_generated_tables_are_up_to_date() -> None:
    assert renew(PAGE, PROJECT_ROOT) == PAGE, "run scripts/lib/python -m sluice.readme_tables"


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (PROJECT_ROOT / target).exists(), target


@pytest.mark.parametrize("name", ["README.md", "DECISIONS.md", ".env.example"])
def test_named_commands_exist(name: str) -> None:
    text = (PROJECT_ROOT / name).read_text(encoding="utf-8")
    for command in re.findall(r"\bscripts/[a-z_/]+(?:\.[a-z]+)?", text):
        assert (PROJECT_ROOT / command).exists(), f"{name} names {command}"


def test_expected_output_is_really_compared() -> None:
    """The comparison itself: wildcards, order, and what it refuses."""
    block = Block("text", "", "a … c\n| 1 | x |\n", 1)
    assert_shows(block, "noise\na   b c\n|  1 |  x |\n")
    refused: list[Callable[[], None]] = [
        lambda: assert_shows(block, "a b c\n| 2 | x |\n"),
        lambda: assert_shows(block, "| 1 | x |\na b c\n"),
    ]
    for refuse in refused:
        with pytest.raises(AssertionError):
            refuse()
