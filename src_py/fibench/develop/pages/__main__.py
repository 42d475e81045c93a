# SPDX-License-Identifier: BSD-3-Clause
"""`python -m fibench.develop.pages [BACKEND ...]`: write anew what is generated in docs/designs.

Takes a few seconds for each backend. `--sources` leaves the pictures and the system calls as they
are, `--waits` all but the pictures of who waits where.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from fibench import called
from fibench.backends import (
    Backend,
    Interpreter,
    NotHere,
    find_interpreter,
    read_catalogue,
    why_unavailable,
)
from fibench.backends.interpreters import own
from fibench.develop.pages import counts, memory, sources, waits
from fibench.develop.pages.pages import Block, Kind, PageError, refresh
from fibench.folders import find_places
from fibench.plan import Pinning
from fibench.trial.trial import TrialContext
from fibench.trial.untimed.syscalls import absent_reason

Result = TypeVar("Result")

SEED = 1
UNCHANGED = "what the pages say of it stays as it was"
NOT_PINNED = Pinning(None, None, "calls are counted, not timed")


def main(arguments: Sequence[str]) -> int:
    """Write the pages; the exit status is 1 if a server that can run here failed."""
    asked = _parse(arguments)
    places = find_places()
    if places.checkout is None:
        return _say("the pages are in a checkout", "run it there")
    catalogue = read_catalogue(places.catalogue)
    unknown = [name for name in asked.backends if name not in catalogue]
    if unknown:
        return _say(f"{unknown[0]} is no backend", f"`{called.command('backends')}` lists them")
    writers: dict[Kind, Callable[[Block], str | None]] = {
        "diff": partial(sources.difference, places.checkout),
        "code": partial(sources.code, places.checkout),
    }
    try:
        if asked.sources:
            return _write(places.checkout, writers)
        interpreters = _interpreters(asked.interpreter)
        context = TrialContext(places.programs, catalogue, {}, SEED, NOT_PINNED, interpreters)
        counting = _Counting(context, asked.backends or list(catalogue))
        if asked.waits:
            return _write(places.checkout, {"waits": counting.waits}) or counting.status
        if (why := absent_reason()) is not None:
            _write(places.checkout, writers)
            return _say(f"calls were not counted: {why}", "apt install strace, or dnf, or pacman")
        writers["calls"] = counting.calls
        if not asked.interpreter:
            writers["waits"] = counting.waits
        if not asked.backends and not asked.interpreter:
            writers["memory"] = counting.memory
        return _write(places.checkout, writers) or counting.status
    except (PageError, NotHere) as error:
        return _say(str(error), "nothing more was written")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fibench.develop.pages",
        description="Write what is generated in docs/designs.",
    )
    parser.add_argument("backends", nargs="*", metavar="BACKEND", help="count these only")
    parser.add_argument("--sources", action="store_true", help="sources and diffs only")
    parser.add_argument("--waits", action="store_true", help="pictures of who waits where only")
    parser.add_argument("--interpreter", help="what runs the servers in Python: 3.14, pypy3")
    return parser.parse_args(arguments)


def _interpreters(asked: str | None) -> Mapping[str, Interpreter]:
    """What is asked for, if anything. Raises NotHere."""
    try:
        return {asked: find_interpreter(asked, Path.cwd(), os.environ)} if asked else {}
    except NotHere as reason:
        raise NotHere(f"interpreter {asked}: {reason}") from reason


class _Counting:
    """Writes the tables of some backends; those of the others stay."""

    def __init__(self, context: TrialContext, names: Sequence[str]) -> None:
        self._context, self._names = context, names
        self._asked = next(iter(context.interpreters.values()), None)
        self.status = 0

    def waits(self, block: Block) -> str | None:
        """The picture of one backend; None where it is to stay."""
        backend = self._backend(block)
        if backend is None:
            return None
        seen = self._try(backend, partial(waits.see, backend, self._context))
        return None if seen is None else waits.drawn(backend, seen, own())

    def _backend(self, block: Block) -> Backend | None:
        """Whose block it is; None where it is to stay. Raises PageError."""
        (name,) = block.of
        backend = self._context.catalogue.get(name)
        if backend is None:
            raise PageError(f"{name} is no backend")
        if name not in self._names or (self._asked and backend.language != "python"):
            return None
        return backend

    def calls(self, block: Block) -> str | None:
        """The table of one backend; None where it is to stay."""
        backend = self._backend(block)
        if backend is None:
            return None
        place = counts.place(backend.language, self._asked or own())
        counted = self._try(backend, partial(counts.count, backend, self._context))
        return None if counted is None else f"{counts.table(counted)}\n\n{place}"

    def memory(self, block: Block) -> str:
        """The table of all backends that serve so many connections."""
        connections = int(block.of[0])
        rows: dict[str, memory.Memory] = {}
        for name, backend in self._context.catalogue.items():
            if backend.serves == "any":
                read = partial(memory.measure, backend, self._context, connections=connections)
                measured = self._try(backend, read)
                rows |= {} if measured is None else {name: measured}
        return f"{memory.table(rows)}\n\n{counts.place('python', own())}"

    def _try(self, backend: Backend, count: Callable[[Path], Result]) -> Result | None:
        """What a server is found to cost; None, and a word on standard error, if it cannot run."""
        print(f"{backend.name} …", file=sys.stderr, flush=True)
        why = None if self._asked else why_unavailable(backend, self._context.programs)
        if why is not None:
            _say(f"{backend.name}: {why}", UNCHANGED)
            return None
        try:
            with TemporaryDirectory(prefix="fibench-") as folder:
                return count(Path(folder))
        except (counts.NotCounted, waits.NotSeen) as error:
            self.status = _say(str(error), UNCHANGED)
            return None


def _write(checkout: Path, writers: Mapping[Kind, Callable[[Block], str | None]]) -> int:
    for path, text in refresh(checkout, writers):
        path.write_text(text, encoding="utf-8")
    return 0


def _say(what: str, hint: str) -> int:
    print(f"{what}\n  {hint}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
