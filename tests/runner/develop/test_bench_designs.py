# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark of designs: what others print, what they are configured with, what is promised.

It is never a test whether a promise is kept: a busy machine is no defect.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fibench.backends.catalogue import read_catalogue
from fibench.commands.refused import Refused
from fibench.develop.bench import (
    alone,
    computing,
    connections,
    idle,
    keepalive,
    loads,
    python_loops,
    rivals,
)
from fibench.develop.bench.designs import PARTS
from fibench.develop.bench.measuring import (
    PORT,
    BenchError,
    Measured,
    Server,
    Told,
    serving,
    split_desk,
)
from fibench.develop.bench.ratios import Limit
from fibench.develop.bench.table import Promise, print_promises
from fibench.develop.develop import ALL_PARTS, bench
from fibench.folders import find_places

WRK = """\
Running 1s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.50ms  340.99us   6.73ms   88.71%
    Req/Sec    42.97k     4.10k   49.85k    80.00%
  42812 requests in 1.01s, 3.51MB read
Requests/sec:  42388.12
Transfer/sec:      3.47MB
"""
REDIS = """\
"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"PING_MBULK","40000.00","0.640","0.200","0.631","0.839","0.951","1.223"
"""


def test_wrk_is_read_for_its_requests_and_its_time() -> None:
    assert loads.read_wrk(WRK) == Told(42812, 1.01)
    assert loads.read_wrk(WRK.replace("1.01s", "2.50m")).wall_s == 150.0


@pytest.mark.parametrize(
    "line",
    ["  Non-2xx or 3xx responses: 12", "  Socket errors: connect 0, read 3, write 0, timeout 0"],
)
def test_requests_that_failed_are_an_error_of_wrk(line: str) -> None:
    with pytest.raises(BenchError, match=line.strip()):
        loads.read_wrk(f"{WRK}{line}\n")


@pytest.mark.parametrize("text", ["", WRK.replace("42812 requests", "0 requests")])
def test_wrk_without_requests_measured_nothing(text: str) -> None:
    with pytest.raises(BenchError, match="no requests"):
        loads.read_wrk(text)


def test_redis_benchmark_makes_as_many_requests_as_it_was_told_to() -> None:
    assert loads.read_redis_benchmark(REDIS, 20_000) == Told(20_000, 0.5)
    with pytest.raises(BenchError, match="how fast"):
        loads.read_redis_benchmark("", 20_000)


def test_wrk_is_given_whole_seconds(tmp_path: Path) -> None:
    assert "1s" in loads.wrk("wrk", 0.4, 1).command
    assert "3s" in loads.wrk("wrk", 2.6, 1).command


def test_nginx_has_one_worker_no_log_and_connections_that_stay(tmp_path: Path) -> None:
    text = rivals.nginx_config(tmp_path, 512)
    for line in (
        "worker_processes 1;",
        "access_log off;",
        "return 204;",
        f"listen 127.0.0.1:{PORT} backlog=4096;",
        "keepalive_requests 1000000000;",
    ):
        assert line in text
    assert text.count("{") - text.count(PORT) == text.count("}") - text.count(PORT)


def test_nginx_writes_nowhere_but_into_its_folder(tmp_path: Path) -> None:
    paths = [
        word.rstrip(";")
        for line in rivals.nginx_config(tmp_path, 1).splitlines()
        for word in line.split()[1:]
        if word.startswith("/") and word != "/"
    ]
    assert len(paths) == 6
    assert all(path.startswith(f"{tmp_path}/") for path in paths)


@pytest.mark.needs("nginx")
def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    program = rivals.find_program("nginx")
    assert program is not None
    config = tmp_path / "nginx.conf"
    config.write_text(rivals.nginx_config(tmp_path, 512).replace(PORT, "8080"))
    ended = subprocess.run(
        [program, "-t", "-q", "-e", "stderr", "-p", tmp_path, "-c", config],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_servers_are_also_looked_for_where_the_system_keeps_them(tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.touch(mode=0o755)
    assert rivals.find_program("redis-server", str(tmp_path)) == str(program)
    assert rivals.find_program("no-such-server", str(tmp_path)) is None


def test_a_server_finds_its_files_with_its_port_in_them(programs: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    served = Server("echo", (str(programs / "bare_echo"), PORT), files={config: f"listen {PORT};"})
    with serving(served, split_desk(programs, tmp_path)) as running:
        assert config.read_text() == f"listen {running.port};"
    assert not running.alive()


def test_a_server_has_had_a_client_before_it_is_measured(programs: Path, tmp_path: Path) -> None:
    served = Server("c-sync", (str(programs / "server"), "--verbose", PORT))
    with serving(served, split_desk(programs, tmp_path)):
        assert "connection from" in (tmp_path / "server.err").read_text()


def test_a_promise_about_what_was_not_measured_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    promises = (Promise("a", "b", Limit(most=1.0)), Promise("a", "absent", Limit(most=0.1)))
    assert print_promises({"a": [1.0, 1.0], "b": [2.0, 4.0]}, promises)
    output = capsys.readouterr().out
    assert "a / b" in output
    assert "absent" not in output


def test_one_promise_that_is_missed_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    promises = (Promise("b", "a", Limit(most=1.0)), Promise("a", "b", Limit(most=1.0)))
    assert not print_promises({"a": [1.0], "b": [2.0]}, promises)
    assert "MISSED" in capsys.readouterr().out


def test_every_backend_that_something_is_promised_of_is_in_the_catalogue() -> None:
    backends = read_catalogue(find_places().catalogue)
    promised = {name for work in computing.WORKS for name in work.clients}
    promised |= {*keepalive.OURS, *idle.OURS, *python_loops.LOOPS, connections.OURS}
    assert promised <= backends.keys()


def test_the_work_alone_is_what_its_processes_do_together() -> None:
    answers = ['{"computed": 10, "wall_ns": 1000000000}', '{"computed": 3, "wall_ns": 500000000}']
    assert computing.total_rate_per_s(answers) == pytest.approx(16.0)


@pytest.mark.parametrize("language", ["c", "python"])
def test_the_work_alone_computes_as_long_as_it_is_told(
    language: str, programs: Path, tmp_path: Path
) -> None:
    work = computing.Work(language, 5, {})
    ended = subprocess.run(
        work.command(programs, 0.05, processes=3),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(answers) == 3
    assert all(answer["wall_ns"] >= 50_000_000 for answer in answers)
    assert computing.total_rate_per_s(ended.stdout.splitlines()) > 0


@pytest.mark.parametrize("language", ["c", "python"])
def test_the_work_alone_does_what_is_done_besides(language: str, programs: Path) -> None:
    rates_per_s = []
    for units in (1, 20):
        work = computing.Work(language, 0, {}, besides=("alloc", units))
        command = work.command(programs, 0.1, processes=1)
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        rates_per_s.append(computing.total_rate_per_s(ended.stdout.splitlines()))
    assert rates_per_s[0] > 4 * rates_per_s[1]


def test_the_work_alone_in_python_says_what_is_wrong(programs: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, alone.__file__, str(tmp_path), "5", "0.01", "1"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "fibprotocol" in ended.stderr


def test_memory_of_an_idle_connection_is_what_it_adds() -> None:
    def measured(memory_bytes: int | None) -> Measured:
        return Measured(Told(1, 1.0), used_ns=1, memory_bytes=memory_bytes)

    more = 1_000_000 + 100 * idle.IDLE
    assert idle.bytes_each(measured(1_000_000), measured(more)) == 100
    with pytest.raises(BenchError, match="memory"):
        idle.bytes_each(measured(None), measured(more))


@pytest.mark.parametrize(
    ("designs", "said"),
    [("keepalif", 'did you mean "keepalive"?'), ("idle,", 'there is no part ""')],
)
def test_a_part_that_does_not_exist_is_named(designs: str, said: str) -> None:
    with pytest.raises(Refused, match=said.replace("?", r"\?")):
        bench("", "", designs, load=False, runner=False, statistics=False)


def test_the_help_names_every_part() -> None:
    from fibench.develop.tasks_of_sources import bench as task

    assert all(part in task.help["designs"] for part in PARTS)
    assert ALL_PARTS not in PARTS
