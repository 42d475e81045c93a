# SPDX-License-Identifier: BSD-3-Clause
"""What a person has given wrongly is told by the name and the place it was given by."""

import socket

from tests.runner.desk import SMALL, Desk


def test_a_cpu_that_is_not_here_is_told_with_its_place(desk: Desk) -> None:
    path = desk.write(SMALL.format(blocks=1, above=1) + '[server]\ncpus = "4095"\n')
    done = desk.invoke("plan", path)
    line = len(path.read_text().splitlines())
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[0].endswith(f'small.toml:{line}:8: cpus "4095": CPU 4095 cannot be used here')
    assert said[1:3] == ['    cpus = "4095"', "           ^^^^^^"]
    assert said[3].startswith("there are: ")


def test_a_port_that_an_option_gave_is_called_by_the_option(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        path = desk.write(SMALL.format(blocks=1, above=1))
        done = desk.invoke("run", path, "--backend", "c-mt", "--port", port)
    assert done.returncode == 5
    assert "name another --port, or leave the port out" in done.stdout + done.stderr
    assert "server.port" not in done.stdout + done.stderr
