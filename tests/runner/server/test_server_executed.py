# SPDX-License-Identifier: BSD-3-Clause
"""Why the program of a server could not be executed is told apart, whatever the file holds."""

import errno
import os
import platform
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runner.small_servers import (
    HOST,
    Starter,
    failure,
)

from fibench.server.exec_error import not_executed, script_fault
from fibench.server.starting import ServerCommand, free_port


def made(path: Path, content: bytes, mode: int = 0o755) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_programs_that_cannot_be_executed_are_told_apart(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    program = Path("/bin/true").read_bytes()
    foreign = program[:18] + (b"\xb7\0" if platform.machine() != "aarch64" else b"\x3e\0")
    loader = next(iter(re.findall(rb"/lib[^\0]*/ld-[^\0]+\.so[.0-9]*", program)))
    contents = {
        "script": b"#!/no/such/interpreter\n",
        "returned": b"#!/usr/bin/python3\r\nprint()\r\n",
        "data": b"data\n",
        "empty": b"",
        "marked": b"\xef\xbb\xbf#!/bin/sh\n",
        "foreign": foreign + program[20:],
        "loaderless": program.replace(loader, b"/lib/no-" + loader[8:]),
        "cut": program[:17],
        "windows": b"MZ\x90\0",
        "by-folder": b"#!/etc\n",
    }
    for name, content in contents.items():
        made(tmp_path / name, content)
    made(tmp_path / "plain", b"#!/bin/sh\n", 0o644)
    crlf = "'./returned' ends with a carriage return (CRLF"
    for argv, cwd, kind, message, hint in [
        (["no-such-program"], None, "not-found", "no program 'no-such-program' on the PATH", ""),
        (["./absent"], tmp_path, "not-found", f"no program './absent' in {tmp_path}", ""),
        (["./script"], tmp_path, "not-found", "interpreter of './script' does not", "install"),
        (["./returned"], tmp_path, "not-found", crlf, "sed -i"),
        (["./dangling"], tmp_path, "not-found", "a symbolic link to 'nowhere'", "mend the link"),
        (["./loaderless"], tmp_path, "not-found", "loader '/lib/no-", "build it on this machine"),
        (["./plain"], tmp_path, "no-permission", "'./plain' may not be executed", "chmod +x"),
        (["./folder"], tmp_path, "no-permission", "'./folder' is a folder", "name the program"),
        (["./by-folder"], tmp_path, "no-permission", "interpreter of './by-folder' may not", ""),
        (["./data"], tmp_path, "no-permission", "'./data' is not a program", "#!/usr/bin/env"),
        (["./empty"], tmp_path, "no-permission", "'./empty' is empty", ""),
        (["./marked"], tmp_path, "no-permission", "begins with a byte order mark", "without one"),
        (["./foreign"], tmp_path, "no-permission", "'./foreign' is a program for ", "build it"),
        (["./cut"], tmp_path, "no-permission", "'./cut' is cut off", "build it again"),
        (["./windows"], tmp_path, "no-permission", "another system (Windows)", "build it"),
        (["true"], tmp_path / "absent", "not-found", "there is no folder", ""),
    ]:
        told = failure(start, ServerCommand(argv=argv, port=free_port(HOST), cwd=cwd))
        assert (told.kind, message in told.message, hint in told.hint) == (kind, True, True), (
            f"{argv}: {told.message}; {told.hint}"
        )


def test_a_program_on_the_path_that_cannot_be_executed_is_told_apart(
    start: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "a-server", b"#!/usr/bin/python3\r\n")
    monkeypatch.setenv("PATH", f"/no/such/folder:{tmp_path}:{os.environ['PATH']}")
    told = failure(start, ServerCommand(argv=["a-server"], port=free_port(HOST)))
    assert "carriage return" in told.message
    assert str(tmp_path / "a-server") in told.hint


@pytest.mark.parametrize(
    ("first_line", "message"),
    [
        (b"#!/usr/bin/env python3\r", "the first line of './server' ends with a carriage return"),
        (b"#!/usr/bin/env -S python3 -u\r", "the server ended with status 1 before"),
        (f"#!{sys.executable} -u\r".encode(), "ends with a carriage return"),
        (b"#!/usr/bin/env no-such-python", "interpreter 'no-such-python' of './server' is not on"),
    ],
)
def test_a_script_whose_first_line_makes_it_end_is_told_apart(
    start: Starter, tmp_path: Path, first_line: bytes, message: str
) -> None:
    made(tmp_path / "server", first_line + b"\nimport sys\r\nsys.exit(1)\r\n")
    told = failure(start, ServerCommand(["./server"], free_port(HOST), cwd=tmp_path))
    assert message in told.message


def test_a_script_with_crlf_handed_to_a_shell_is_told(start: Starter, tmp_path: Path) -> None:
    made(tmp_path / "start.sh", b"#!/bin/sh\r\nexec nothing\r\n", 0o644)
    told = failure(start, ServerCommand(["sh", "start.sh"], free_port(HOST), cwd=tmp_path))
    assert "'start.sh' ends with a carriage return" in told.message


@settings(max_examples=200)
@given(
    content=st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"\x7fELF" + data)
    | st.binary(max_size=50).map(lambda data: b"#!" + data),
    number=st.sampled_from([errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ETXTBSY, errno.E2BIG]),
    mode=st.sampled_from([0o755, 0o644]),
)  # fmt: skip
def test_whatever_a_file_holds_it_can_be_told_why_it_is_not_executed(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, number: int, mode: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    made(folder / "any", content, mode)
    told = not_executed(["./any"], (number, os.strerror(number)), folder)
    assert told.message.isprintable()
    assert told.hint.isprintable()
    assert len(told.hint) > 5
    assert script_fault(["./any"], 127, "", folder) is None or content.startswith(b"#!")
