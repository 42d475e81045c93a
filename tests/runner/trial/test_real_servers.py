# SPDX-License-Identifier: BSD-3-Clause
"""nginx, redis and node as people write them in a file: they start, answer, and end as asked."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from tests.here import program
from tests.processes import wait_until
from tests.runner.any_servers import TEXTS
from tests.runner.experiments import KNOWN
from tests.runner.small_servers import HOST, PATIENCE_S
from tests.runner.trials import CATALOGUE, NOT_PINNED

from fibench.experiment import Experiment, parse_experiment
from fibench.server import Ending, RunningServer
from fibench.trial import TrialContext, TrialFailed, pick_port, start_server
from fibench.trial.serving import put_away

NODE = """
const http = require("http");
http.createServer((request, response) => {
  response.end(request.url === "/health" ? process.env.NODE_ENV : "no");
}).listen(Number(process.env.PORT), "127.0.0.1");
"""


def file(name: str, program_name: str, folder: Path) -> Experiment:
    """One of the examples; its program where it is here, which need not be on the PATH."""
    text = TEXTS[name].replace(f'"{program_name}"', f'"{program(program_name)}"', 1)
    return parse_experiment(text, "e.toml", KNOWN, folder=folder)


def started(
    experiment: Experiment, name: str, programs: Path, folder: Path, **axes: object
) -> RunningServer:
    """The server of the first cell that has these values."""
    cell = next(
        one
        for one in experiment.cells
        if one.backend == name and axes.items() <= dict(one.axes).items()
    )
    context = TrialContext(programs, CATALOGUE, experiment.backends, 7, NOT_PINNED)
    parameters = cell.parameters
    return start_server(context, parameters, pick_port(parameters), folder)


def said(port: int, request: bytes) -> bytes:
    """All that is answered until the connection ends."""
    with socket.create_connection((HOST, port), PATIENCE_S) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


def ended_well(running: RunningServer) -> Ending:
    ending = running.stop()
    assert not ending.forced
    assert ending.swept == 0
    return ending


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("workers", [1, 2])
def test_nginx(programs: Path, tmp_path: Path, workers: int) -> None:
    experiment = file("nginx-workers", "nginx", tmp_path)
    with started(experiment, "nginx", programs, tmp_path, workers=workers) as running:
        # It listens before it has forked them.
        wait_until(lambda: len(running.tree()) == 1 + workers, "all workers of nginx")
        assert said(running.port, get("/hello")).endswith(b"\r\n\r\nHello, World!\n")
        assert (tmp_path / "server" / "1k.html").stat().st_size == 1024
        assert ended_well(running).status == 0  # at SIGQUIT, in order


@pytest.mark.needs("redis-server")
@pytest.mark.parametrize("io_threads", [1, 2])
def test_redis(programs: Path, tmp_path: Path, io_threads: int) -> None:
    experiment = file("redis-io-threads", "redis-server", tmp_path)
    with started(experiment, "redis", programs, tmp_path, io_threads=io_threads) as running:
        assert said(running.port, b"PING\r\n") == b"+PONG\r\n"
        configured = said(running.port, b"CONFIG GET io-threads\r\n")
        assert configured.endswith(b"\r\n%d\r\n" % io_threads)
        assert ended_well(running).status == 0


@pytest.mark.needs("node")
def test_node(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "server.js").write_text(NODE)
    experiment = file("node-cluster", "node", tmp_path)
    own = replace(experiment.backends["node"], ready_get="/health", start_timeout_s=60.0)
    experiment = replace(experiment, backends={**experiment.backends, "node": own})
    with started(experiment, "node", programs, tmp_path) as running:
        assert said(running.port, get("/health")).endswith(b"production")
        ended_well(running)


@pytest.mark.needs("nginx")
def test_of_nginx_that_cannot_read_its_file_the_file_is_kept(
    programs: Path, tmp_path: Path
) -> None:

    experiment = file("nginx-workers", "nginx", tmp_path)
    own = experiment.backends["nginx"]
    own = replace(own, files=(("nginx.conf", "listen {port} {"),))
    experiment = replace(experiment, backends={"nginx": own})
    with pytest.raises(TrialFailed, match="ended with status 1 before it was ready") as caught:
        started(experiment, "nginx", programs, tmp_path)
    assert caught.value.kind == "exited"
    context = TrialContext(programs, CATALOGUE, experiment.backends, 7, NOT_PINNED)
    put_away(context.backend("nginx"), tmp_path, failed=True)
    assert (tmp_path / "server" / "nginx.conf").read_text().startswith("listen ")
