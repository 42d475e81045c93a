# SPDX-License-Identifier: BSD-3-Clause
"""`invoke test`: two passes of pytest are one answer, whose last lines and status tell of both."""

from pathlib import Path

import pytest

from fibench.commands import Refused
from fibench.places import find_places
from fibench.testing import Pass, conclusion, exit_status, run_pytest
from fibench.testing import test as run_tests

GREEN = Pass(0, {"passed": 5, "skipped": 1}, ())
RED = Pass(1, {"passed": 3, "failed": 1}, ("tests/test_a.py::test_b",))
EMPTY = Pass(5, {}, ())
BROKEN = Pass(4, {}, ())

TESTS = """
import pytest

def test_that_passes(): pass
def test_that_fails(): assert 1 == 2
@pytest.mark.skip
def test_that_is_skipped(): pass
@pytest.fixture
def broken(): raise OSError
def test_without_its_fixture(broken): pass
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
    assert exit_status(passes) == status


def test_the_last_line_counts_both_passes() -> None:
    assert conclusion([GREEN, GREEN], units_passed=True, took_s=61.4).splitlines() == [
        "== 10 passed, 2 skipped in 61 s =="
    ]


def test_what_failed_is_named_before_the_last_line() -> None:
    assert conclusion([RED, GREEN], units_passed=False, took_s=2).splitlines() == [
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
    assert sorted(seen.failures) == [
        "test_own.py::test_that_fails",
        "test_own.py::test_without_its_fixture",
    ]


def test_an_unknown_sanitizer_is_refused_before_anything_is_built() -> None:
    places = find_places()
    assert places.checkout is not None
    with pytest.raises(Refused, match="--sanitize memory: not a sanitizer"):
        run_tests(places, places.checkout, long_forms=False, select="", sanitize="memory")
