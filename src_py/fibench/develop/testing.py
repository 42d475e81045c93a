# SPDX-License-Identifier: BSD-3-Clause
"""`invoke test`: the unit tests of C, then pytest; or the C programs under a sanitizer.

What measures time or CPU use is marked `serial`, and has the machine to itself. All other tests run
beside each other, where pytest-xdist is installed. So there are two passes of pytest, and the last
lines say what came of both: what failed, by name, and what was skipped, by what is lacking.
"""

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from fibench import called
from fibench.build.meson import BuildError, build_sanitized, tool_environment
from fibench.commands import WRONG_INPUT, Refused
from fibench.commands.build import built_or_refused, refused_build
from fibench.folders import Places
from fibench.wording import escaped

NOTHING_SELECTED = 5
"""pytest's exit status where no test is left to run."""
BROKEN_OFF = 2
"""pytest's, from which on it is not a test that has failed."""
SANITIZERS = ("address,undefined", "address", "undefined", "thread")
OUTCOMES = ("failed", "errors", "passed", "skipped")
_OF_A_BACKEND = re.compile(r"((?:c|py)-[a-z0-9._@-]+): (?=.)")
"""How the reason begins for which a backend is skipped."""
_NAMED = 3
"""Of so many backends that lack the same, all are named."""
_LONGEST = 200
"""Of a reason, so many characters are shown."""


@dataclass(frozen=True)
class Pass:
    """What came of one pytest."""

    status: int
    counts: Mapping[str, int]
    failures: tuple[str, ...]
    """The tests that did not pass, as pytest names them."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """By the reason that pytest was given, how many were skipped for it."""


def test(places: Places, checkout: Path, *, long_forms: bool, select: str, sanitize: str) -> int:
    """Build, then run everything, or what is of C under a sanitizer. Returns the worst status."""
    refuse_without_pytest("test")
    begin = time.monotonic()
    environment = tool_environment()
    environment.pop("FIBENCH_FROM", None)  # tests name files from where they stand themselves
    # Else each of the hundreds of Pythons that the tests start compiles all that it imports.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    arguments = [*(["--all"] if long_forms else []), *(["-k", select] if select else [])]
    build = places.build
    if sanitize:
        build = _build_sanitized(places, sanitize)
        environment["FIBENCH_PROGRAMS"] = str(build / "install" / "libexec" / "fibench")
        environment["FIBENCH_SANITIZED"] = sanitize
        arguments.append("tests/conformance")
    else:
        with built_or_refused(places, "test"):
            pass
        if places.build_elsewhere is not None:
            environment["FIBENCH_PROGRAMS"] = str(places.programs)
    sys.stdout.flush()
    # What it would build anew, it would build without the lock of the folder.
    meson = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs"]
    units = subprocess.call(meson, cwd=checkout, env=environment)
    passes = []
    for options in passes_of_pytest():
        passes.append(run_pytest([*options, *arguments], checkout, environment))
        if passes[-1].status >= BROKEN_OFF and passes[-1].status != NOTHING_SELECTED:
            break
    print(conclusion(passes, units == 0, time.monotonic() - begin), flush=True)
    return worst_status(passes) or units


def refuse_without_pytest(command: str) -> None:
    """Raise Refused where pytest is not installed, which is for those who work on fibench."""
    if importlib.util.find_spec("pytest") is None:
        words = called.through_dev(f"invoke {command}")
        raise Refused("pytest is not installed", f"run `{words}`, which brings it")


def _build_sanitized(places: Places, sanitize: str) -> Path:
    if sanitize not in SANITIZERS:
        what = f"--sanitize {sanitize}: not a sanitizer"
        raise Refused(what, f"it is one of: {'; '.join(SANITIZERS)}", WRONG_INPUT)
    try:
        return build_sanitized(places, sanitize)
    except BuildError as error:
        raise refused_build(error) from error


def passes_of_pytest() -> list[list[str]]:
    """The options of each pass; the last is the long one.

    The one process of the first leaves the modules compiled that the processes of the last load.
    """
    if importlib.util.find_spec("xdist") is None:
        return [[]]
    beside_each_other = str(workers(len(os.sched_getaffinity(0))))
    return [
        ["-p", "no:xdist", "-m", "serial"],
        ["-n", beside_each_other, "--dist", "worksteal", "-m", "not serial"],
    ]


def workers(cores: int) -> int:
    """How many tests run beside each other.

    Two thirds of what all of them take is waiting, for deadlines and for the kernel. With few cores
    so many keep them busy; with many, the longest tests decide.
    """
    return min(3 * cores, cores + 4)


def run_pytest(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Pass:
    """Run one pytest in a folder, from which nothing is imported, with its output shown."""
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="fibench-test-") as scratch:
        listing = Path(scratch, "outcomes.xml")
        argv = [sys.executable, "-P", "-m", "pytest", f"--junitxml={listing}", *arguments]
        with subprocess.Popen(argv, cwd=folder, env=environment) as process:
            try:
                _reap_until_it_ends(process.pid)
                status = process.wait()
            finally:
                process.kill()  # if it still runs, we are interrupted
        return read_outcomes(status, listing)


def _reap_until_it_ends(pid: int) -> None:
    """Where we are a container's first process, end the zombies whose parents have ended.

    Nobody else does, and the tests leave thousands, which every look through /proc comes by.
    """
    if os.getpid() != 1:
        return
    options = os.WEXITED | os.WNOWAIT  # pytest itself is left to its Popen
    with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored nobody becomes a zombie
        while (ended := os.waitid(os.P_ALL, 0, options)) is not None and ended.si_pid != pid:
            os.waitpid(ended.si_pid, 0)


def read_outcomes(status: int, listing: Path) -> Pass:
    """What pytest's JUnit file tells; nothing, where it did not come to write it."""
    if not listing.is_file():
        return Pass(status, {}, ())
    counts = Counter(dict.fromkeys(OUTCOMES, 0))
    failures = []
    skipped = Counter[str]()
    for case in ElementTree.parse(listing).iter("testcase"):
        outcome = "passed"
        for kind, name in (("skipped", "skipped"), ("failure", "failed"), ("error", "errors")):
            if case.find(kind) is not None:
                outcome = name
        counts[outcome] += 1
        if outcome == "skipped":
            skipped[_reason(case)] += 1
        if outcome in ("failed", "errors"):
            module = case.get("classname", "").replace(".", "/")
            failures.append(f"{module}.py::{case.get('name')}")
    return Pass(status, counts, tuple(failures), skipped)


def _reason(case: ElementTree.Element) -> str:
    skipped = case.find("skipped")
    return "" if skipped is None else skipped.get("message", "")


def worst_status(passes: Sequence[Pass]) -> int:
    """The worst of all; that a pass had nothing to run matters only where none had."""
    statuses = [one.status for one in passes]
    if all(status == NOTHING_SELECTED for status in statuses):
        return NOTHING_SELECTED
    return max(status for status in statuses if status != NOTHING_SELECTED)


def conclusion(passes: Sequence[Pass], units_passed: bool, took_s: float) -> str:
    """The last lines: what was skipped and why, what failed, by name, and how many did what."""
    lines = list(reasons(passes))
    lines += [f"FAILED {name}" for one in passes for name in one.failures]
    if not units_passed:
        lines.append("FAILED the unit tests of C: meson test, above")
    lines += [
        f"FAILED pytest ended with {one.status}, above"
        for one in passes
        if one.status not in (0, NOTHING_SELECTED) and not one.failures
    ]
    total = Counter[str]()
    for one in passes:
        total.update(one.counts)
    said = [f"{total[outcome]} {outcome}" for outcome in OUTCOMES if total[outcome]]
    return "\n".join([*lines, f"== {', '.join(said) or 'no tests ran'} in {took_s:.0f} s =="])


def reasons(passes: Sequence[Pass]) -> Iterator[str]:
    """What was skipped for want of what, the most first; of backends, what they lack in common."""
    counts, lacking = Counter[str](), dict[str, list[str]]()
    for reason, count in (item for one in passes for item in one.skipped.items()):
        of_one = _OF_A_BACKEND.match(reason)
        why = reason[of_one.end() :] if of_one else reason
        counts[why] += count
        names = lacking.setdefault(why, [])
        if of_one and of_one[1] not in names:
            names.append(of_one[1])
    if counts:
        yield "skipped:"
    width = len(str(max(counts.values(), default=0)))
    for why, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        shown = escaped(why) or "without a reason"
        if len(shown) > _LONGEST:
            shown = f"{shown[:_LONGEST]}…"
        yield f"  {count:{width}} {shown}{_of(lacking[why])}"


def _of(backends: Sequence[str]) -> str:
    if len(backends) > _NAMED:
        return f" ({', '.join(backends[: _NAMED - 1])} and {len(backends) - _NAMED + 1} more)"
    return f" ({', '.join(backends)})" if backends else ""
