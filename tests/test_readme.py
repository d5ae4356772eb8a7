"""The READMEs are executed: their commands run in a copy of the project and print what the pages say."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from sluice.home import PROJECT_ROOT
from sluice.readme_tables import PAGE as PAGE_OF_TABLES
from sluice.readme_tables import renew

PAGES = [
    "README.md",
    "models/README.md",
    "scripts/README.md",
    "seeds/README.md",
    "macros/README.md",
    "tests/README.md",
    ".github/CONTRIBUTING.md",
]
"""In the order in which a reader follows them: their commands share one data home."""
REAL_DATA = Path(os.environ.get("SLUICE_REAL_DATA") or PROJECT_ROOT.parent / "shared/data/real") / "landing"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the note after it on the fence, its text, its page and line."""

    language: str
    note: str
    text: str
    page: str
    line: int


def text_of(page: str) -> str:
    return (PROJECT_ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    text = text_of(page)
    found = re.finditer(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(b[1], b[2], b[3], page, text[: b.start()].count("\n") + 1) for b in found]


def steps(note: str) -> Iterator[tuple[Block, Block | None]]:
    """What a reader does, in order: commands with this note, each with the output shown below it, and (with
    the note `runnable`) files to write, which have their path as note."""
    for page in PAGES:
        found = blocks(page)
        for block, following in zip_longest(found, found[1:]):
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
    assert done.returncode == 0, (
        f"{block.page} line {block.line} failed:\n{block.text}\n{done.stdout[-5000:]}"
    )
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def assert_shows(expected: Block, output: str) -> None:
    """Every line of the block is in the output, in this order; … is anything, white space is one blank."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    for wanted in expected.text.splitlines():
        pattern = re.compile(".*".join(re.escape(part) for part in " ".join(wanted.split()).split("…")))
        place = next((at for at, line in enumerate(lines) if pattern.search(line)), None)
        assert place is not None, (
            f"{expected.page} line {expected.line} shows {wanted!r}; the output was\n{output[-5000:]}"
        )
        del lines[: place + 1]


@pytest.mark.slow
def test_the_commands_do_what_the_pages_say(tmp_path: Path) -> None:
    """From the first command through a feed of one's own to a rewritten file."""
    project = copy_project(tmp_path / "sluice")
    environment = clean_environment()
    done: list[Block] = []
    for block, expected in steps("runnable"):
        if block.language == "sh":
            output = run(block, project, environment)
            if expected:
                assert_shows(expected, output)
        else:
            (project / block.note).parent.mkdir(parents=True, exist_ok=True)
            (project / block.note).write_text(block.text)
        done.append(block)
    assert len(done) >= 12
    assert {block.page for block in done} == {"README.md", "models/README.md", "scripts/README.md"}


@pytest.mark.slow
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real landing data is not on this machine")
def test_the_question_about_real_data(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "sluice")
    shutil.copytree(REAL_DATA / "service_events", project / "data/landing/service_events")
    ((block, expected),) = steps("real-data")
    assert expected
    assert_shows(expected, run(block, project, clean_environment()))


def test_generated_tables_are_up_to_date() -> None:
    page = text_of(str(PAGE_OF_TABLES))
    assert renew(page, PROJECT_ROOT) == page, "run scripts/lib/python -m sluice.readme_tables"


def anchors(text: str) -> set[str]:
    """What a link to a heading of the page may name."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        place = (PROJECT_ROOT / page).parent / path if path else PROJECT_ROOT / page
        assert place.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), f"{page} links to {target}"


def test_the_first_page_leads_to_all_others() -> None:
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text_of("README.md"))}
    assert set(PAGES[1:]) <= linked


def test_the_first_page_is_short() -> None:
    assert text_of("README.md").count("\n") <= 220


@pytest.mark.parametrize("name", [*PAGES, "DECISIONS.md", ".env.example"])
def test_named_commands_exist(name: str) -> None:
    for command in re.findall(r"\bscripts/[a-z_/]+(?:\.[a-z]+)?", text_of(name)):
        assert (PROJECT_ROOT / command).exists(), f"{name} names {command}"


def test_expected_output_is_really_compared() -> None:
    """The comparison itself: wildcards, order, and what it refuses."""
    block = Block("text", "", "a … c\n| 1 | x |\n", "README.md", 1)
    assert_shows(block, "noise\na   b c\n|  1 |  x |\n")
    refused: list[Callable[[], None]] = [
        lambda: assert_shows(block, "a b c\n| 2 | x |\n"),
        lambda: assert_shows(block, "| 1 | x |\na b c\n"),
    ]
    for refuse in refused:
        with pytest.raises(AssertionError):
            refuse()
