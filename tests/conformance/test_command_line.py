# SPDX-License-Identifier: BSD-3-Clause
"""The command line that every server shares: what it takes, what it refuses, and how it ends."""

import re
from pathlib import Path
from typing import Any

import pytest

from .backends import EVERY_WITH_OPTIONS, Backend, all_backends, each
from .conftest import Start
from .process import run_to_end, skip_what_is_lacking
from .wire import ask, check_serves, right_answer

EVERY_NOT_IN_PYTHON = each(*(b for b in all_backends() if b.language == "c"))

OPTIONS = [
    *("--host", "--framing", "--workers", "--io-wait", "--backlog", "--max-connections"),
    *("--idle-timeout", "--max-n", "--ready-fd", "--verbose"),
]
NUMBERS = [option for option in OPTIONS if option not in ("--host", "--framing", "--verbose")]

# What nothing may make of a number: it is refused, not guessed.
NOT_NUMBERS = [
    "",
    " ",
    "x",
    "12x",
    "x12",
    "-1",
    "0x10",
    "1e3",
    "1_000",
    " 5",
    "5 ",
    "٥",
    "nan",
    "inf",
]
NOT_PORTS = [*NOT_NUMBERS, "65536", "99999", "4294967296", "18446744073709551617", "80.0", "http"]

ONE_OF_A_KIND = ("--workers", "--io-wait")
"""A whole number, and one that need not be whole."""


def bad_values(option: str) -> list[list[str]]:
    """Command lines with what is wrong in the same way whichever number an option takes."""
    wrong = [[option, text, "0"] for text in ("", "12x", "nan")]
    return [*wrong, [f"{option}=", "0"], ["0", option]]


# Every backend refuses these.
BAD_COMMAND_LINES = [
    [],
    ["--nonsense", "0"],
]
# So do these; the programs of a language share the parser, so that one of them tells.
MORE_BAD_COMMAND_LINES = [
    ["0", "0"],
    *([text] for text in NOT_PORTS),
    ["--workers", "0", "0"],
    ["--framing", "lines", "0"],
    ["--fram", "line", "0"],
    ["--max-n", "46", "0"],
    ["0", "--backlog"],
    ["--framing", "line"],
    ["--framing", "LINE", "0"],
    ["--framing", "", "0"],
    ["--framing=", "0"],
    ["0", "--framing"],
    ["--verb", "0"],
    ["--verbose=1", "0"],
    ["--verbose=", "0"],
    ["--nonsense=1", "0"],
    ["-v", "0"],
    ["--Verbose", "0"],
    ["--host", "", "0"],
    ["--max-n", "4294967296", "0"],
    *([option, text, "0"] for option in NUMBERS for text in ("x", "-1")),
    *(line for option in ONE_OF_A_KIND for line in bad_values(option)),
    ["--workers", "1.5", "0"],
    ["--backlog", "1.5", "0"],
    ["--io-wait", "1.2.3", "0"],
    ["--idle-timeout", "inf", "0"],
    ["--idle-timeout", "1e400", "0"],
    ["--idle-timeout", "99999999999999999999", "0"],
    ["--ready-fd", "987", "0"],
    ["--ready-fd", "99999999999", "0"],
]
OTHER_NUMBERS = [
    line for option in NUMBERS if option not in ONE_OF_A_KIND for line in bad_values(option)
]
"""As the long form."""


# Every backend takes these, all of them at once.
GOOD_OPTIONS = ["--max-n=45", "--workers", "1", "--max-connections", "1"]
# And these; the programs of a language share the parser, so that one of them tells.
MORE_GOOD_OPTIONS = [
    ["--max-n", "45", "--io-wait", "0", "--backlog", "1", "--idle-timeout", "0.5"],
    ["--io-wait", "1.5", "--idle-timeout=60"],
]


def one_of_a_language(*languages: str) -> list[Any]:
    """Backends as parameters, the first of each language; the others are long forms."""
    params = []
    seen: set[str] = set()
    asked = languages or {backend.language for backend in all_backends()}
    for backend in (b for b in all_backends() if b.takes_options and b.language in asked):
        marks = [pytest.mark.long] if backend.language in seen else []
        seen.add(backend.language)
        params.append(pytest.param(backend, id=backend.name, marks=marks))
    return params


def check_that_it_is_refused(argv: list[str]) -> None:
    """Run a server that must end with 2 and one line."""
    ended = run_to_end(argv)
    assert ended.returncode == 2, ended
    assert says_one_line(ended.stderr), ended
    assert ended.stdout == "", ended


def command_line(programs: Path, backend: Backend, *arguments: str) -> list[str]:
    """A backend's program with these arguments."""
    skip_what_is_lacking(backend)
    return backend.argv(programs, arguments)


def says_one_line(stderr: str) -> bool:
    """Whether it is one whole line and not the start of a traceback."""
    return re.fullmatch(r"[^\n]+\n", stderr) is not None and "Traceback" not in stderr


def complaints(stderr: str) -> list[str]:
    """The lines of stderr, but for the selector that asyncio names as in the course."""
    return [line for line in stderr.splitlines() if "Using selector:" not in line]


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_help_names_every_option_on_stdout(programs: Path, backend: Backend) -> None:
    options = list(OPTIONS)
    if not backend.parses:
        options.remove("--max-n")
    if backend.language == "python":
        options.append("--switch-interval")
    if backend.language != "own":
        options += ["--work", "--work-units"]
    ended = run_to_end(command_line(programs, backend, "--help"))
    assert (ended.returncode, ended.stderr) == (0, "")
    missing = [option for option in options if not re.search(option + r"\b", ended.stdout)]
    assert not missing, ended.stdout
    assert "PORT" in ended.stdout


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_bad_command_line_is_refused_in_one_line(programs: Path, backend: Backend) -> None:
    for words in BAD_COMMAND_LINES:
        check_that_it_is_refused(command_line(programs, backend, *words))


@pytest.mark.parametrize("backend", one_of_a_language())
def test_so_is_whatever_else_is_bad_in_one(
    request: pytest.FixtureRequest, programs: Path, backend: Backend
) -> None:
    others = OTHER_NUMBERS if request.config.getoption("--all") else []
    for words in MORE_BAD_COMMAND_LINES + others:
        check_that_it_is_refused(command_line(programs, backend, *words))


@pytest.mark.parametrize("backend", EVERY_NOT_IN_PYTHON)
def test_switch_interval_is_pythons_alone(programs: Path, backend: Backend) -> None:
    check_that_it_is_refused(command_line(programs, backend, "--switch-interval", "0.005", "0"))


@pytest.mark.parametrize("backend", one_of_a_language("python"))
def test_a_switch_interval_that_is_none_is_refused(
    request: pytest.FixtureRequest, programs: Path, backend: Backend
) -> None:
    more = ("", "x", "-1", "nan", "inf") if request.config.getoption("--all") else ()
    for text in ("0", *more):
        check_that_it_is_refused(command_line(programs, backend, "--switch-interval", text, "0"))


@pytest.mark.parametrize("backend", one_of_a_language("python"))
def test_python_takes_a_switch_interval(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--switch-interval", "0.0005") as server:
        check_serves(server)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_options_are_taken_with_a_space_or_an_equals_sign(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, *known_to(backend, GOOD_OPTIONS)) as server:
        check_serves(server)


@pytest.mark.parametrize("options", MORE_GOOD_OPTIONS, ids=" ".join)
@pytest.mark.parametrize("backend", one_of_a_language())
def test_so_are_all_others(start_server: Start, backend: Backend, options: list[str]) -> None:
    with start_server(backend, *known_to(backend, options)) as server:
        check_serves(server)


def known_to(backend: Backend, options: list[str]) -> list[str]:
    """Options without the first, --max-n, for a server that need not know it."""
    if backend.parses or not options[0].startswith("--max-n"):
        return options
    return options[1:] if "=" in options[0] else options[2:]


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_message_framing_is_the_default(start_server: Start, backend: Backend) -> None:
    """With a port that the ready descriptor tells: `start` reads it to its end, each time."""
    with start_server(backend, framing=None, port=0) as server:
        assert server.port != 0
        assert ask(server) == right_answer(server)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_an_address_of_another_machine_ends_it_with_1(programs: Path, backend: Backend) -> None:
    ended = run_to_end(command_line(programs, backend, "--host", "192.0.2.1", "0"))
    assert ended.returncode == 1
    assert "192.0.2.1" in complaints(ended.stderr)[-1]
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("backend", one_of_a_language())
def test_what_is_no_address_is_refused(programs: Path, backend: Backend) -> None:
    ended = run_to_end(command_line(programs, backend, "--host", "not an address", "0"))
    assert ended.returncode in (1, 2)
    assert says_one_line(ended.stderr), ended.stderr


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_port_is_one_servers_alone_and_can_be_taken_again_at_once(
    start_server: Start, programs: Path, backend: Backend
) -> None:
    """By those too that let several of their own listen on it; connections in TIME_WAIT do not
    hinder the next server."""
    with start_server(backend, framing="message") as first:
        ended = run_to_end(command_line(programs, backend, str(first.port)))
        assert ended.returncode == 1, ended.stderr
        assert says_one_line("\n".join([*complaints(ended.stderr), ""])), ended.stderr
        assert str(first.port) in ended.stderr
        assert ended.stdout == ""
        check_serves(first)
        first.stop()
    with start_server(backend, framing="message", port=first.port) as second:
        assert second.port == first.port
        check_serves(second)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_on_loopback_it_is_silent_from_start_to_end(start_server: Start, backend: Backend) -> None:
    with start_server(backend) as server:
        for request in (b"5", b"x", b"99"):
            ask(server, request)
        assert server.stop() == 0
        assert complaints(server.stderr()) == []
        assert server.stdout() == ""


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_verbose_writes_lines_to_stderr_alone(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--verbose") as server:
        quiet = len(complaints(server.stderr()))
        check_serves(server)
        assert server.stop() == 0
        assert len(complaints(server.stderr())) >= quiet + 2
        assert server.stdout() == ""


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_listening_to_everybody_warns(start_server: Start, backend: Backend) -> None:
    with start_server(backend, host="0.0.0.0") as server:
        assert server.stop() == 0
        lines = complaints(server.stderr())
        assert len(lines) == 1, lines
        assert "0.0.0.0" in lines[0]


@pytest.mark.needs("IPv6")
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_it_listens_on_ipv6_when_asked(start_server: Start, backend: Backend) -> None:
    with start_server(backend, host="::1") as server:
        assert ask(server) == right_answer(server)
        assert server.stop() == 0
        assert complaints(server.stderr()) == []
