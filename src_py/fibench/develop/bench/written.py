# SPDX-License-Identifier: BSD-3-Clause
"""The tables of docs/statistics.md: printed as they come, and written where the page has places for
them."""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

PAGE = Path("docs", "statistics.md")


def write_tables(checkout: Path, tables: Mapping[str, Iterable[str]]) -> None:
    """Print lines of Markdown, and put them between `<!-- NAME -->` and the next `<!-- end -->`.

    The page is written when all are there. Raises SystemExit where it has no one place for a name.
    """
    page = checkout / PAGE
    for name in tables:
        _put(page, page.read_text(encoding="utf-8"), name, [])
    made = {name: list(_printed(lines)) for name, lines in tables.items()}
    text = page.read_text(encoding="utf-8")
    for name, lines in made.items():
        text = _put(page, text, name, lines)
    page.write_text(text, encoding="utf-8")


def _printed(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        print(line, flush=True)
        yield line


def _put(page: Path, text: str, name: str, lines: Iterable[str]) -> str:
    written = "\n".join(["", *lines, ""])
    block = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->\n)", re.DOTALL)
    text, count = block.subn(lambda found: f"{found[1]}{written}{found[2]}", text)
    if count != 1:
        sys.exit(f"{page} has no one place for the tables of {name}")
    return text
