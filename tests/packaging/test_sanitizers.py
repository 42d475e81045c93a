# SPDX-License-Identifier: BSD-3-Clause
"""A report of a sanitizer fails the conformance suite, also one that comes at the server's exit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.here import c_compiler

from .copies import CHECKOUT

SERVER = """
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void finish(int number) { exit(number == 0); }

static void answer(int fd)
{
    char request[256];

    if (read(fd, request, sizeof request) > 0 && write(fd, "89", 2) == 2)
        close(fd);
    for (int i = 0; i < 9; i++) { // the last one's address may stay on the stack
        char *volatile lost = malloc(32);
        if (!LEAKS)
            free(lost);
    }
}

int main(int argc, char *argv[])
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1, fd;

    signal(SIGTERM, finish);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 9) != 0)
        return 1;
    while ((fd = accept(listener, NULL, NULL)) != -1) {
        if (!IN_A_CHILD) {
            answer(fd);
        } else if (fork() == 0) {
            answer(fd);
            exit(0);
        }
        close(fd);
    }
    return 0;
}
"""


@pytest.mark.needs("AddressSanitizer")
@pytest.mark.parametrize(
    ("leaks", "in_a_child"),
    [
        pytest.param(0, 0, id="clean-itself", marks=pytest.mark.long),
        pytest.param(0, 1, id="clean-child"),
        pytest.param(1, 0, id="leaks-itself"),
        pytest.param(1, 1, id="leaks-child"),
    ],
)
def test_a_leak_fails_the_test(tmp_path: Path, leaks: int, in_a_child: int) -> None:
    source, program = tmp_path / "server.c", tmp_path / "server"
    source.write_text(SERVER)
    words = ["-g", "-fsanitize=address", f"-DLEAKS={leaks}", f"-DIN_A_CHILD={in_a_child}"]
    subprocess.run([*c_compiler(), *words, str(source), "-o", str(program)], check=True)
    pytest_of_one = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [
            *pytest_of_one,
            "tests/conformance/test_connections.py",
            "-k",
            "half_closed_message and own",
        ],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "FIBENCH_COMMAND": json.dumps([str(program), "{port}"]),
            "FIBENCH_SANITIZED": "address",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "LeakSanitizer" in done.stdout) == (leaks, leaks == 1), done.stdout
    assert "1 passed" in done.stdout
