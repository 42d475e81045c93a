# SPDX-License-Identifier: BSD-3-Clause
"""What a page shows of sources: one of them, or what differs between two.

What a file says of itself at its head is left out, since the page says it.
"""

import ast
import difflib
import re
from pathlib import Path

from fibench.develop.pages.pages import Block

_HUNK = re.compile(r"@@ -(\d+)")
_OUTERMOST = re.compile(r"(def|class|async def|struct|enum|static|int|void)\b")
CONTEXT_LINES = 1
SHORT = 60
"""Lines of a diff that need not be folded away."""


def difference(checkout: Path, block: Block) -> str:
    """A unified diff of two sources, folded away if it is long."""
    before, after = block.of
    old, new = _code(checkout, before), _code(checkout, after)
    diff = difflib.unified_diff(old, new, before, after, n=CONTEXT_LINES, lineterm="")
    lines = [_hunk(line, old) for line in diff]
    return _fenced("diff", lines, f"{Path(before).name} → {Path(after).name}")


def code(checkout: Path, block: Block) -> str:
    """The whole of a source."""
    (path,) = block.of
    return _fenced(_language(path), _code(checkout, path), Path(path).name)


def _fenced(language: str, lines: list[str], title: str) -> str:
    fenced = "\n".join([f"```{language}", *lines, "```"])
    if len(lines) <= SHORT:
        return fenced
    return f"<details><summary>{title}, {len(lines)} lines</summary>\n\n{fenced}\n\n</details>"


def _hunk(line: str, old: list[str]) -> str:
    """A hunk's heading as git(1) has it: what its first line is in, in place of its number."""
    place = _HUNK.match(line)
    if place is None:
        return line
    above = (old[at] for at in range(int(place[1]) - 2, -1, -1) if at < len(old))
    inside = next((code for code in above if _OUTERMOST.match(code)), "")
    return f"@@ {inside}".rstrip(" {:")


def _language(path: str) -> str:
    return "python" if path.endswith(".py") else "c"


def _code(checkout: Path, path: str) -> list[str]:
    text = (checkout / path).read_text(encoding="utf-8")
    lines = text.splitlines()
    return lines[_head_of_python(text) if path.endswith(".py") else _head_of_c(lines) :]


def _head_of_c(lines: list[str]) -> int:
    """How many lines a C file says of itself: comments before the first line of code."""
    return next(at for at, line in enumerate(lines) if not line.startswith("//"))


def _head_of_python(text: str) -> int:
    """The same for Python: up to the end of the docstring, and the blank line after it."""
    docstring = ast.parse(text).body[0]
    return (docstring.end_lineno or 0) + 1
