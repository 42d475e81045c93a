# SPDX-License-Identifier: BSD-3-Clause
"""docs/architecture.md: its lists of modules, and the picture of the tower, from the sources.

`python -m fibench.develop.architecture` writes both. The layers are those that import-linter keeps
(pyproject.toml); what is said of a module is the first sentence of its docstring, or of a header.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path

PAGE = Path("docs", "architecture.md")
PICTURE = Path("docs", "architecture.svg")
PYTHON = Path("src_py", "fibench")
C = Path("src_c")

_BLOCK = re.compile(r"(<!-- (modules|headers|scripts): (\S+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
_SENTENCE = re.compile(r"(.*?\.)(?:\s|$)", re.DOTALL)
_WIDTH, _ROW, _GAP, _MARGIN = 760, 40, 6, 12
_MOST_EXPLAINED = 2
"""Beside each other."""
_STYLE = "font-family='system-ui, sans-serif' font-size='15' fill='#1b1f24'"


def layers(checkout: Path) -> list[list[str]]:
    """The wings and single modules, from the top; those of one layer do not know each other."""
    config = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    (found,) = [one["layers"] for one in contracts if one["type"] == "layers"]
    return [[name.strip() for name in layer.split("|")] for layer in found]


def first_sentence(text: str) -> str:
    """What a docstring or a comment begins with, in one line, with a full stop."""
    found = _SENTENCE.match(text.strip())
    words = " ".join((found[1] if found else text).split())
    return words.rstrip(".:;") + "."


def said_of_module(path: Path) -> str:
    """The first sentence of a module's docstring."""
    return first_sentence(ast.get_docstring(ast.parse(path.read_bytes())) or "")


def said_of_file(path: Path) -> str:
    """The first sentence of the comment at the head of a C file."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    comment = [line[2:] for line in lines[: next(n for n, x in enumerate(lines) if x[:2] != "//")]]
    return first_sentence(" ".join(comment))


def single(checkout: Path) -> dict[str, list[str]]:
    """The modules that no wing has: "ground" are those below every wing, "between" the others."""
    found: dict[str, list[str]] = {"ground": [], "between": []}
    place = "ground"
    for names in reversed(layers(checkout)):
        if any((checkout / PYTHON / name).is_dir() for name in names):
            place = "between"
        found[place] += [name for name in names if (checkout / PYTHON / f"{name}.py").is_file()]
    return found


def modules(checkout: Path, wing: str) -> Iterator[str]:
    """A line for each module of a wing, or of those that no wing has."""
    alone = single(checkout)
    folder = checkout / PYTHON / ("" if wing in alone else wing)
    paths = [folder / f"{name}.py" for name in alone.get(wing, ())] or folder.rglob("*.py")
    for path in sorted(paths):
        if path.name != "__init__.py":
            yield f"- `{path.relative_to(folder).as_posix()}`: {said_of_module(path)}"


def scripts(checkout: Path, folder: str) -> Iterator[str]:
    """A line for each program and module of a folder of src_py that is not the runner's."""
    for path in sorted((checkout / PYTHON.parent / folder).glob("*.py")):
        yield f"- `{path.name}`: {said_of_module(path)}"


def headers(checkout: Path, folder: str) -> Iterator[str]:
    """A line for each C file of a folder that is not a test: what its header says, or itself."""
    for path in sorted((checkout / C / folder).glob("*.[ch]")):
        has_header = path.suffix == ".c" and path.with_suffix(".h").exists()
        if not has_header and not path.name.startswith("test"):
            yield f"- `{path.name}`: {said_of_file(path)}"


def page(checkout: Path) -> str:
    """docs/architecture.md with its blocks written anew."""

    def block(found: re.Match[str]) -> str:
        write = {"modules": modules, "headers": headers, "scripts": scripts}[found[2]]
        return found[1] + "".join(f"{line}\n" for line in write(checkout, found[3])) + found[4]

    return _BLOCK.sub(block, (checkout / PAGE).read_text(encoding="utf-8"))


def picture(checkout: Path) -> str:
    """The tower as SVG: a layer stands on those below it."""
    rows = layers(checkout)
    height = len(rows) * (_ROW + _GAP) + 2 * _MARGIN
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' role='img'>",
        "<title>The wings of the runner: each may import those below it</title>",
        f"<rect width='{_WIDTH}' height='{height}' fill='#ffffff'/>",
    ]
    for number, names in enumerate(rows):
        top = _MARGIN + number * (_ROW + _GAP)
        for place, name in enumerate(names):
            parts += _box(checkout, name, top, place, len(names))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(checkout: Path, name: str, top: int, place: int, of: int) -> list[str]:
    """One wing or module, with what it is for where there is room."""
    width = (_WIDTH - 2 * _MARGIN - (of - 1) * _GAP) / of
    left = _MARGIN + place * (width + _GAP)
    wing = checkout / PYTHON / name / "__init__.py"
    colour = "#dbe9f6" if wing.exists() else "#eef0f2"
    label = f"<tspan font-weight='600'>{escape(name)}</tspan>"
    if of <= _MOST_EXPLAINED:
        said = said_of_module(wing if wing.exists() else checkout / PYTHON / f"{name}.py")
        said = said.rstrip(".") if of == 1 else said.rstrip(".").partition(":")[0]
        label += f"<tspan dx='10' font-size='12'>{escape(said)}</tspan>"
    return [
        f"<rect x='{left:g}' y='{top}' width='{width:g}' height='{_ROW}' rx='5' fill='{colour}'/>",
        f"<text x='{left + 12:g}' y='{top + 25}' {_STYLE}>{label}</text>",
    ]


def main() -> None:
    """Write the page and its picture."""
    from fibench.folders import find_places

    checkout = find_places().checkout
    assert checkout is not None
    (checkout / PAGE).write_text(page(checkout), encoding="utf-8")
    (checkout / PICTURE).write_text(picture(checkout), encoding="utf-8")


if __name__ == "__main__":
    main()
