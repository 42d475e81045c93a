# SPDX-License-Identifier: BSD-3-Clause
"""`invoke test`: two passes of pytest are one answer, whose last lines and status tell of both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.here import CHECKOUT

from fibench.commands.refused import Refused
from fibench.develop.testing import Pass, conclusion, reasons, run_pytest, worst_status
from fibench.develop.testing import test as run_tests
from fibench.folders import find_places

GREEN = Pass(0, {"passed": 5, "skipped": 1}, (), {"strace is not installed": 1})
RED = Pass(1, {"passed": 3, "failed": 1}, ("tests/test_a.py::test_b",))
EMPTY = Pass(5, {}, ())
BROKEN = Pass(4, {}, ())

TESTS = """
import pytest

def test_that_passes(): pass
def test_that_fails(): assert 1 == 2
@pytest.mark.skip(reason="c-uring: it was left out <by> \\x1b\\u20ac")
def test_that_is_skipped(): pass
@pytest.fixture
def broken(): raise OSError
def test_without_its_fixture(broken): pass
"""

ORPHAN = """
import os, select, subprocess, time

def test_an_orphan_does_not_stay_a_zombie():
    ours, theirs = os.pipe()[::-1]
    script = "exec 3<&0; cat <&3 >/dev/null & echo $!"
    pid = int(subprocess.check_output(["sh", "-c", script], stdin=theirs))
    os.close(theirs)
    os.close(ours)  # it ends now, when its parent has
    deadline, pause = time.monotonic() + 60, select.poll()
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline
        pause.poll(1)
"""
FIRST_OF_A_CONTAINER = """
import os, sys
from pathlib import Path
from fibench.develop.testing import run_pytest

assert os.getpid() == 1
folder = Path(sys.argv[1])
sys.exit(run_pytest(["-p", "no:cacheprovider", "--rootdir", str(folder)], folder).status)
"""


@pytest.mark.parametrize(
    ("passes", "status"),
    [
        ([GREEN, GREEN], 0),
        ([RED, GREEN], 1),
        ([GREEN, RED], 1),
        ([GREEN, EMPTY], 0),
        ([EMPTY, GREEN], 0),
        ([EMPTY, EMPTY], 5),
        ([EMPTY, RED], 1),
        ([RED, BROKEN], 4),
    ],
)
def test_the_exit_status_is_the_worst_of_both_passes(passes: list[Pass], status: int) -> None:
    assert worst_status(passes) == status


def test_the_last_line_counts_both_passes() -> None:
    assert conclusion([GREEN, GREEN], units_passed=True, took_s=61.4).splitlines() == [
        "skipped:",
        "  2 strace is not installed",
        "== 10 passed, 2 skipped in 61 s ==",
    ]


def test_where_nothing_was_skipped_the_last_line_is_the_only_one() -> None:
    seen = Pass(0, {"passed": 5}, ())
    assert conclusion([seen], units_passed=True, took_s=1) == "== 5 passed in 1 s =="


def test_what_was_skipped_is_grouped_by_what_is_lacking_the_most_first() -> None:
    without = "not built, for want of liburing"
    first = Pass(
        0,
        {"skipped": 1309},
        (),
        {
            "nix is not installed": 4,
            f"c-uring: {without}": 150,
            "a long form: run with --all": 1000,
            f"c-uring-oneshot: {without}": 100,
            "c-aio: not built, for want of libaio": 54,
            "py-async-3.6@python3.6: no Python 3.6": 1,
        },
    )
    second = Pass(0, {"skipped": 2}, (), {f"c-uring: {without}": 2})
    assert list(reasons([first, second])) == [
        "skipped:",
        "  1000 a long form: run with --all",
        "   252 not built, for want of liburing (c-uring, c-uring-oneshot)",
        "    54 not built, for want of libaio (c-aio)",
        "     4 nix is not installed",
        "     1 no Python 3.6 (py-async-3.6@python3.6)",
    ]


def test_of_many_backends_that_lack_the_same_some_are_named() -> None:
    seen = Pass(0, {}, (), {f"c-{letter}: it speaks line framing only": 1 for letter in "abcd"})
    assert list(reasons([seen]))[1] == "  4 it speaks line framing only (c-a, c-b and 2 more)"
    three = Pass(0, {}, (), {f"c-{letter}: no": 1 for letter in "abc"})
    assert list(reasons([three]))[1] == "  3 no (c-a, c-b, c-c)"


def test_a_reason_is_one_printable_line() -> None:
    seen = Pass(0, {}, (), {"two\nlines\x1b": 1, "": 1, "x" * 1000: 1})
    assert [line[:30] for line in reasons([seen])] == [
        "skipped:",
        "  1 without a reason",
        r"  1 two\nlines\x1b",
        f"  1 {'x' * 26}",
    ]
    assert max(map(len, reasons([seen]))) < 220


def test_what_failed_is_named_before_the_last_line() -> None:
    assert conclusion([RED, GREEN], units_passed=False, took_s=2).splitlines() == [
        "skipped:",
        "  1 strace is not installed",
        "FAILED tests/test_a.py::test_b",
        "FAILED the unit tests of C: meson test, above",
        "== 1 failed, 8 passed, 1 skipped in 2 s ==",
    ]


def test_a_pytest_that_breaks_is_a_failure_by_itself() -> None:
    lines = conclusion([BROKEN, EMPTY], units_passed=True, took_s=2).splitlines()
    assert lines == ["FAILED pytest ended with 4, above", "== no tests ran in 2 s =="]


def test_what_came_of_each_test_is_read_from_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(TESTS)
    seen = run_pytest(["-p", "no:cacheprovider", "--rootdir", str(tmp_path)], tmp_path)
    assert seen.status == 1
    assert seen.counts == {"failed": 1, "errors": 1, "passed": 1, "skipped": 1}
    assert seen.skipped == {"c-uring: it was left out <by> #x1B€": 1}
    assert sorted(seen.failures) == [
        "test_own.py::test_that_fails",
        "test_own.py::test_without_its_fixture",
    ]


def test_an_unknown_sanitizer_is_refused_before_anything_is_built() -> None:
    places = find_places()
    assert places.checkout is not None
    with pytest.raises(Refused, match="--sanitize memory: not a sanitizer"):
        run_tests(places, places.checkout, long_forms=False, select="", sanitize="memory")


@pytest.mark.needs("namespaces")
def test_as_the_first_process_of_a_container_it_reaps_orphans(tmp_path: Path) -> None:
    (tmp_path / "test_orphan.py").write_text(ORPHAN)
    unshared = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*unshared, sys.executable, "-c", FIRST_OF_A_CONTAINER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src_py")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
