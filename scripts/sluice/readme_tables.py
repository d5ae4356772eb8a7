"""The tables of models/README.md that are made from the project: `scripts/lib/python -m sluice.readme_tables`."""

import csv
import re
import sys
from pathlib import Path

import yaml

from sluice.home import PROJECT_ROOT


def reject_reasons(root: Path) -> str:
    """The vocabulary of reject reasons."""
    with (root / "seeds" / "reject_reasons.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = ["| reason | meaning | for example |", "| --- | --- | --- |"]
    lines += [f"| `{row['reject_reason']}` | {row['meaning']} | {row['example']} |" for row in rows]
    return "\n".join(lines)


def feeds(root: Path) -> str:
    """The feeds and their columns."""
    path = root / "models" / "staging" / "landing" / "_landing__sources.yml"
    sources = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    tables = next(source["tables"] for source in sources if source["name"] == "landing")
    lines = ["| feed | columns (other accepted names) |", "| --- | --- |"]
    for table in tables:
        columns = []
        for column in table["columns"]:
            aliases = column.get("config", {}).get("meta", {}).get("aliases", [])
            columns.append(f"{column['name']} ({', '.join(aliases)})" if aliases else column["name"])
        lines.append(f"| `{table['name']}` | {', '.join(columns)} |")
    return "\n".join(lines)


PAGE = Path("models/README.md")
TABLES = {"feeds": feeds, "reject_reasons": reject_reasons}


def renew(text: str, root: Path) -> str:
    """The page with its tables brought up to date. A missing or repeated marker is a ValueError."""
    for name, table in TABLES.items():
        pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
        found = list(pattern.finditer(text))
        if len(found) != 1:
            raise ValueError(f"{PAGE} has {len(found)} places for the table {name}; it needs one")
        text = f"{text[: found[0].end(1)]}{table(root)}\n{text[found[0].start(2) :]}"
    return text


def main() -> int:
    """Write the page where it differs; the exit code."""
    page = PROJECT_ROOT / PAGE
    old = page.read_text(encoding="utf-8")
    new = renew(old, PROJECT_ROOT)
    if new != old:
        page.write_text(new, encoding="utf-8")
    print(f"{PAGE} was brought up to date" if new != old else f"{PAGE} is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
