# SPDX-License-Identifier: BSD-3-Clause
"""Each fault of one's own servers is explained in its place."""

import pytest
from tests.runner.any_servers import ECHO
from tests.runner.experiment.echo_faults import (
    COMMAND,
    ENV,
    FILE,
    changed,
    check_explained,
)
from tests.runner.experiments import faults

DIAGNOSTICS: dict[str, tuple[str, str, str, str]] = {
    # What is changed, where it is, what is said, and what to do
    "worker for workers": (
        COMMAND,
        COMMAND.replace('"]', '", "{worker}"]'),
        "command has {worker}, which nothing gives a value",
        "did you mean {workers}?",
    ),
    "a brace that stands alone": (
        COMMAND,
        COMMAND.replace('"{io_threads}"', '"{io_threads}", "a{b"'),
        'command has a "{" that belongs to no name',
        'a brace that is meant as it is, is doubled: "{{"',
    ),
    "a brace in the environment": (
        ENV,
        'env = { LANG = "C}" }',
        'LANG has a "}" that belongs to no name',
        'a brace that is meant as it is, is doubled: "}}"',
    ),
    "env with a NUL": (
        ENV,
        'env = { LANG = "C\\u0000" }',
        "LANG contains a NUL character",
        "no program can be given one",
    ),
    "env that is no text": (
        ENV,
        "env = { LANG = 7 }",
        "LANG must be text, not a whole number",
        'write it as text: "7"',
    ),
    "env that is no name": (
        ENV,
        'env = { "A=B" = "7" }',
        '"A=B" is no name of a variable',
        "allowed: a letter or _, then letters, digits and _",
    ),
    "a port that is none": (ENV, f"{ENV}; port = 0", "port 0 is outside 1 to 65535", ""),
    "a signal that is none": (
        ENV,
        f'{ENV}; stop = {{ signal = "SIGTEM" }}',
        'stop has a signal that "SIGTEM" is unknown',
        'did you mean "SIGTERM"?',
    ),
    "a misspelt stop": (
        ENV,
        f'{ENV}; stop = {{ signl = "SIGTERM" }}',
        'stop has the unknown key "signl"',
        'did you mean "signal"?',
    ),
    "ready without a path": (
        ENV,
        f"{ENV}; ready = {{}}",
        "ready has no get",
        'write ready = { get = "/" }, or "listens"',
    ),
    "ready by a name": (
        ENV,
        f'{ENV}; ready = {{ get = "up" }}',
        'the get of ready "up" does not begin with /',
        'write "/up"',
    ),
    "a build as a text": (
        ENV,
        f'{ENV}; build = "make"',
        "build must be a list of arguments, not one text; there is no shell",
        'write build = ["go", "build", "-o", "server", "."]',
    ),
}
PATH_RULE = (
    "allowed: a path below {dir}: steps of a-z, A-Z, 0-9, '.', '_', '+', '-', with / between them"
)


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_fault_of_a_server_is_explained(name: str) -> None:
    check_explained(*DIAGNOSTICS[name])


def test_a_server_that_is_told_no_port_anywhere_is_explained() -> None:
    text = ECHO.replace("--port={port}", "--quiet").replace("{ port {port}; }", "x")
    (found,) = faults(text)
    assert found == (
        "e.toml:3:11: command lacks {port}\n"
        'the server must be told its port: command = ["./my_server", "{port}"]'
    )
    for told in (
        text.replace('LANG = "C"', 'PORT = "{port}"'),
        text.replace('"a.conf" = "x"', '"a.conf" = "{port}"'),
        text.replace(ENV, f"{ENV}\nport = 7000"),
    ):
        assert faults(told) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/passwd", "is not below {dir}: its path is absolute"),
        ("../a", "is not below {dir}: its path leads upwards"),
        ("a/../../b", "is not below {dir}: its path leads upwards"),
        ("a/..", "is not below {dir}: its path leads upwards"),
        ("", "is not allowed as a path"),
        (".", "is not allowed as a path"),
        ("a/./b", "is not allowed as a path"),
        ("a//b", "is not allowed as a path"),
        ("a/", "is not allowed as a path"),
        ("a\\\\..\\\\b", "is not allowed as a path"),
        ("a b", "is not allowed as a path"),
        ("a\\u0000b", "is not allowed as a path"),
        ("a\\nb", "is not allowed as a path"),
        ("é", "is not allowed as a path"),
        ("a/b/c/d/e/f/g/h/i", "is 9 folders deep; 8 are allowed"),
        ("a" * 65, "is not allowed as a path"),
    ],
)
def test_a_file_lies_below_its_folder(name: str, why: str) -> None:
    found = faults(changed('"a.conf"', f'"{name}"'))
    assert len(found) == 1
    assert found[0].startswith("e.toml:6:1: file ")
    assert f" {why}\n{PATH_RULE}" in found[0]


def test_a_file_is_not_in_the_way_of_another() -> None:
    (found,) = faults(ECHO.replace(FILE, f'{FILE}\n"a.conf/b" = "x"'))
    assert found == (
        'e.toml:7:1: file "a.conf/b" needs a folder where the file "a.conf" is\n'
        "give one of them another name"
    )


def test_a_large_file_is_refused_by_its_size() -> None:
    (found,) = faults(changed('"{ port {port}; }"', "{ bytes = 2000000 }"))
    assert found.startswith('e.toml:6:12: file "a.conf" has 2000000 bytes')
