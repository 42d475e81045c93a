# SPDX-License-Identifier: BSD-3-Clause
"""What a report says in one line each of where and with what a run was made."""

import pytest
from tests.runner.experiments import parse

from fibench.plan import Pinning
from fibench.report.lines import interpreter_lines, load_words, pinning_line, pinning_words

KEPT = {
    "3.13": {"path": "/a", "version": "3.13.0", "implementation": "CPython", "gil": True},
    "3.14t": {
        "path": "/b", "version": "3.14.0", "implementation": "CPython", "gil": False,
        "free_threaded": True,
    },
    "/usr/bin/python3": {"path": "/usr/bin/python3"},
}  # fmt: skip
TEXT = 'title = "t"\n[matrix]\nbackend = "py-mt"\ninterpreter = ["3.14t", "3.13", "3.12"]\n'


def test_a_report_says_what_the_interpreters_are_that_its_cells_name() -> None:
    assert list(interpreter_lines(KEPT, parse(TEXT).cells)) == [
        "interpreter 3.14t: CPython 3.14.0, a free-threaded build, without a GIL (/b)",
        "interpreter 3.13: CPython 3.13.0, with the GIL (/a)",
    ]


@pytest.mark.parametrize("kept", [None, [], "x", {"3.13": 1}, {}])
def test_of_interpreters_that_were_not_kept_nothing_is_said(kept: object) -> None:
    assert list(interpreter_lines(kept, parse(TEXT).cells)) == []


@pytest.mark.parametrize("kept", [{}, {"pinning": None}, {"pinning": "0-1"}, {"pinning": []}])
def test_of_a_pinning_that_was_not_kept_nothing_is_said(kept: dict[str, object]) -> None:
    assert pinning_line(kept) == ""


def test_a_pinning_is_told_as_it_was_kept() -> None:
    kept = {"pinning": {"server": "0", "load": None, "why": "as the file says"}}
    assert pinning_line(kept) == "servers on 0, load on all CPUs (as the file says)"
    assert pinning_words(Pinning("0", None, "as the file says")) == pinning_line(kept)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", None),
        ('work = "fib"', None),
        ('work = "hash"', "1 unit of hash besides"),
        ("work_units = 5", "5 units of fib besides"),
        ('work = ["fib", "hash"]\nwork_units = [1, 20]', "1 to 20 units of fib or hash besides"),
    ],
)
def test_what_requests_do_besides_is_said(given: str, said: str | None) -> None:
    words = load_words(parse(f'title = "t"\n[matrix]\nbackend = "py-mt"\n{given}\n').cells)
    assert words.split(", ")[3:] == (["fibonacci(1)"] if said is None else ["fibonacci(1)", said])
