# SPDX-License-Identifier: BSD-3-Clause
"""`invoke lint`: ruff, mypy, import-linter, tombi, clang-format; clang-tidy over a setup of its
own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibench import called
from fibench.build.meson import tool_environment
from fibench.commands import Refused

C_FOLDERS = ("src_c", "tests")
C_SOURCES = ("*.c", "*.h")
_BATCHES_PER_CORE = 8
"""Sources take from 0.1 to 5 s each: so that no core is left with all that take long."""


def lint(checkout: Path, *, fix: bool = False) -> int:
    """Run every check even when one fails, so that one run shows all there is to mend; first `fix`
    what the tools can mend by themselves."""
    folders = [checkout / name for name in C_FOLDERS]
    sources = [p for each in folders for kind in C_SOURCES for p in sorted(each.rglob(kind))]
    if fix:
        mend(checkout, sources)
    checks = {
        "ruff": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "imports": ["lint-imports", "--no-logo", "--no-cache", str(checkout / "pyproject.toml")],
        "tombi": as_editors_see(sorted((checkout / "experiments").glob("*.toml"))),
        "clang-format": ["clang-format", "--dry-run", "-Werror", *map(str, sources)],
    }
    failed = []
    for name, argv in checks.items():
        print(f"== {name}", flush=True)
        # What is imported is looked for where the tool is started.
        if _call(argv, checkout / "src_py" if name == "imports" else checkout) != 0:
            failed.append(name)
    print("== clang-tidy", flush=True)
    if not is_tidy(checkout, [path for path in sources if path.suffix == ".c"]):
        failed.append("clang-tidy")
    print(f"failed: {', '.join(failed)}" if failed else "no complaints")
    return 1 if failed else 0


def mend(checkout: Path, sources: Sequence[Path]) -> None:
    """Format all sources, of Python and of C, and mend what ruff can mend by itself."""
    fixes = {
        "ruff --fix": ["ruff", "check", "--fix-only", "--quiet", "."],
        "ruff format": ["ruff", "format", "--quiet", "."],
        "clang-format": ["clang-format", "-i", *map(str, sources)],
    }
    for name, argv in fixes.items():
        print(f"== {name}", flush=True)
        _call(argv, checkout)


def as_editors_see(experiments: Iterable[Path]) -> list[str]:
    """The command that checks experiment files as an editor does: by the schema that the first line
    of each names. Nothing is downloaded."""
    return ["tombi", "lint", "--offline", "--error-on-warnings", *map(str, experiments)]


def _not_installed(tool: str) -> Refused:
    hint = f"`{called.through_dev('invoke lint')}` brings it"
    return Refused(f"{tool} is not installed", hint)


def _call(argv: list[str], folder: Path) -> int:
    """Run a tool in a folder with its output shown; returns its exit status."""
    sys.stdout.flush()
    try:
        return subprocess.call(argv, cwd=folder, env=tool_environment())
    except FileNotFoundError as error:
        raise _not_installed(argv[0]) from error


def _captured(argv: list[str], folder: Path) -> tuple[int, str]:
    """Run a tool in a folder; returns its exit status and all that it wrote."""
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env=tool_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise _not_installed(argv[0]) from error
    return done.returncode, done.stdout


@dataclass(frozen=True)
class Compiled:
    """How sources are compiled: what clang-tidy has to know of them."""

    folder: Path
    """Where compile_commands.json is."""
    checked: tuple[Path, ...]
    left_out: tuple[Path, ...]
    """Those that are not compiled here, for want of a library."""


def is_tidy(checkout: Path, sources: Sequence[Path]) -> bool:
    """Check C sources with clang-tidy, on all cores; what it complains of is printed.

    A setup that is made for the purpose, and not the build folder's, has everything that is
    configured, in a clean clone as well, and nothing that is out of date.
    """
    status, _ = _captured(["clang-tidy", "--version"], checkout)
    if status != 0:
        raise _not_installed("clang-tidy")
    with tempfile.TemporaryDirectory(prefix="fibench-lint-") as name:
        folder = Path(name).resolve()
        # What was downloaded is used, and nothing is downloaded.
        setup = ["meson", "setup", "-Dwrap_mode=nodownload", str(folder), str(checkout)]
        status, said = _captured(setup, checkout)
        if status != 0:
            print(f"{said.rstrip()}\nclang-tidy has checked nothing: the sources cannot be set up")
            return False
        compiled = prepare(folder, checkout, sources)
        complaints = list(_complaints(checkout, compiled))
    for complaint in complaints:
        print(complaint)
    for path in compiled.left_out:
        print(f"not checked, since it is not built here: {path.relative_to(checkout)}")
    return not complaints


def prepare(folder: Path, checkout: Path, sources: Sequence[Path]) -> Compiled:
    """Rewrite a setup's compile_commands.json: each source once, and those that tests compile.

    Sources of src_c that it does not have are left out: headers that they need may not be here.
    """
    database = folder / "compile_commands.json"
    commands: dict[Path, dict[str, Any]] = {}
    for entry in json.loads(database.read_text()):
        # A source may be compiled for several programs, and would be checked for each.
        commands.setdefault(Path(os.path.normpath(folder / entry["file"])), entry)
    left_out = []
    for path in sources:
        if path in commands:
            continue
        if path.is_relative_to(checkout / "src_c"):
            left_out.append(path)
        else:
            words = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-c", str(path)]
            commands[path] = {"directory": str(folder), "file": str(path), "arguments": words}
    database.write_text(json.dumps(list(commands.values())))
    return Compiled(folder, tuple(p for p in sources if p in commands), tuple(left_out))


def _complaints(checkout: Path, compiled: Compiled) -> Iterable[str]:
    """What clang-tidy says of each batch of sources that it has something to say of."""
    cores = len(os.sched_getaffinity(0))
    count = cores * _BATCHES_PER_CORE
    batches = [batch for i in range(count) if (batch := compiled.checked[i::count])]

    def check(batch: Sequence[Path]) -> str:
        argv = ["clang-tidy", "--quiet", "-p", str(compiled.folder)]
        # Flags of a compiler that clang does not know are no fault of a source.
        argv += ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Qunused-arguments"]
        status, said = _captured([*argv, *map(str, batch)], checkout)
        return _shown(said, checkout, compiled.folder) if status != 0 else ""

    pool = ThreadPoolExecutor(cores)
    try:
        yield from filter(None, pool.map(check, batches))
    finally:
        pool.shutdown(cancel_futures=True)


def _shown(said: str, checkout: Path, folder: Path) -> str:
    """Without its counts of what it has not shown, and with paths from the checkout."""
    lines = [line for line in said.splitlines() if not _is_count(line)]
    text = "\n".join(lines)
    for way in (os.path.relpath(checkout, folder), str(checkout)):
        text = text.replace(way + os.sep, "")
    return text


def _is_count(line: str) -> bool:
    begin, _, rest = line.partition(" ")
    return begin.isdigit() and rest.startswith(("warning", "error"))
