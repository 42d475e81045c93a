# SPDX-License-Identifier: BSD-3-Clause
"""Servers of people's own, whose mistakes and habits the load alone would not show."""

from pathlib import Path

import pytest
from tests.runner.trials import CATALOGUE, run, run_well, trial

from fibench.backends.catalogue import own_backend
from fibench.experiment import OwnBackend
from fibench.machine import computing
from fibench.trial._gates import design_cores
from fibench.trial._replies import numbers_at_once
from fibench.trial.serving import AT_ONCE, clients_at_once

ONE_BUFFER = """
buffer, meeting = [b""], threading.Barrier(2)
def answer_from_the_buffer(connection, request):
    buffer[0] = request
    try:
        meeting.wait(0.1)  # so that two who are served at the same time meet
    except threading.BrokenBarrierError:
        meeting.reset()
    connection.sendall(b"%d" % fibonacci(int(buffer[0])))
def converse(connection):
    {serve}
serve_threads()
"""
BY_FRAMING = {
    "message": "answer_from_the_buffer(connection, connection.recv(256)); connection.close()",
    "line": "\n    ".join(
        (
            "for line in connection.makefile('rb'):",
            "    answer_from_the_buffer(connection, line); connection.sendall(b'\\n')",
        )
    ),
}
SERIAL = """
listener.bind((host, port)); listener.listen({backlog}); tell()
while True:
    connection, _ = listener.accept()
    {serve}
    connection.close()
"""
SERIALLY = {
    "message": "connection.sendall(b'%d' % fibonacci(int(connection.recv(256))))",
    "line": "for line in connection.makefile('rb'): "
    "connection.sendall(b'%d\\n' % fibonacci(int(line)))",
}
TWO_FOR_EVER = """
served = threading.Semaphore(2)
def answer(connection, k):
    connection.sendall(b"1\\n")
talk = converse
def converse(connection):
    with served:
        talk(connection)
serve_threads()
"""


@pytest.mark.parametrize("framing", ["message", "line"])
def test_one_buffer_for_all_clients_is_found_though_all_ask_for_the_same(
    programs: Path, tmp_path: Path, framing: str
) -> None:
    text = ONE_BUFFER.format(serve=BY_FRAMING[framing])
    record = run(trial("own", framing=framing, clients=8), programs, tmp_path, text)
    assert record["failure"] == "wrong-reply"
    # On a starved machine those who have gone may be served yet while one is asked alone.
    is_alone = record["reason"].startswith("the server answers wrongly: to ")
    assert is_alone or "at once, each something else" in record["reason"]
    assert is_alone or "is a buffer or a variable shared by clients" in record["hint"]


@pytest.mark.parametrize("framing", ["message", "line"])
def test_where_one_client_asks_a_buffer_may_be_everybodys(
    programs: Path, tmp_path: Path, framing: str
) -> None:
    text = ONE_BUFFER.format(serve=BY_FRAMING[framing])
    run_well(trial("own", framing=framing, clients=1, duration=1.0), programs, tmp_path, text)


@pytest.mark.parametrize("backlog", [0, 1, 5])
@pytest.mark.parametrize("framing", ["message", "line"])
def test_who_serves_one_client_after_the_other_passes_the_check(
    programs: Path, tmp_path: Path, framing: str, backlog: int
) -> None:
    text = SERIAL.format(backlog=backlog, serve=SERIALLY[framing])
    record = run(trial("own", framing=framing, clients=2), programs, tmp_path, text)
    assert record["failure"] in (None, "invalid"), record["reason"]
    assert record["counts"]["ok"] > 0


@pytest.mark.parametrize("backend", ["c-sync", "py-sync", "c-mt-pool", "py-mp", "c-null"])
@pytest.mark.parametrize("framing", ["message", "line"])
def test_designs_that_serve_few_at_a_time_pass_it_too(
    programs: Path, tmp_path: Path, backend: str, framing: str
) -> None:
    record = run(trial(backend, framing=framing, clients=8, n=10), programs, tmp_path)
    assert record["failure"] in (None, "invalid"), record["reason"]
    assert record["counts"]["ok"] > 0


@pytest.mark.parametrize(
    ("backend", "clients", "backlog", "most"),
    [
        ("c-mt", 8, None, AT_ONCE),
        ("c-mt", 8, 128, AT_ONCE),
        ("c-mt", 8, 1, 2),
        ("c-mt", 8, 0, 1),
        ("c-mt", 3, 128, 3),
        ("c-sync", 8, 128, 1),
        ("c-mt-pool", 8, 128, 2),
    ],
)
def test_no_more_ask_at_once_than_are_served_or_can_wait(
    backend: str, clients: int, backlog: int | None, most: int
) -> None:
    parameters = trial(backend, clients=clients).cell.parameters
    assert clients_at_once(CATALOGUE[backend], parameters, 2, backlog) == most


def test_beside_the_numbers_of_the_load_small_ones_are_asked_for() -> None:
    assert numbers_at_once([30], 4, 8) == [30, 2, 3, 4]
    assert numbers_at_once([2, 27, 4], 4, 8) == [2, 27, 4, 3]
    assert numbers_at_once([1], 4, 3) == [1, 2, 3]
    assert numbers_at_once([5, 6, 7, 8, 9], 4, 8) == [5, 6, 7, 8, 9]


def test_those_who_are_never_answered_count_as_having_waited(
    programs: Path, tmp_path: Path
) -> None:
    what = trial("own", clients=8, warmup=0.5, duration=0.5)
    record = run_well(what, programs, tmp_path, TWO_FOR_EVER)
    assert record["counts"]["clients_answered"] == 2
    assert record["counts"]["unfinished"] >= 6
    assert record["metrics"]["max_s"] >= 0.5


def test_what_computing_takes_is_known_of_a_server_of_ones_own_alone(
    programs: Path, tmp_path: Path
) -> None:
    answers = "def answer(connection, k): connection.sendall(b'1\\n')\nserve_threads()"
    record = run_well(trial("own", n=12), programs, tmp_path, answers)
    assert record["checks"]["computing_s"] == computing.alone_s(programs, 12)
    (tmp_path / "other").mkdir()
    record = run_well(trial("c-mt", n=12), programs, tmp_path / "other")
    assert record["checks"]["computing_s"] is None


def test_the_recursion_grows_as_it_calls_itself(programs: Path, tmp_path: Path) -> None:
    def count(n: int) -> int:
        return 1 if n < 2 else 1 + count(n - 1) + count(n - 2)

    assert [computing.calls(n) for n in range(12)] == [count(n) for n in range(12)]
    one, other = computing.alone_s(programs, 0), computing.alone_s(programs, 27)
    assert one is not None
    assert other is not None
    assert other / one == pytest.approx(computing.calls(27))
    assert computing.alone_s(tmp_path, 27) is None, "there is no such program"


@pytest.mark.parametrize(
    ("serves", "cores", "usable"),
    [("any", None, 2), (1, None, 1), (8, None, 2), ("any", 1, 1), (1, 2, 2), (1, "any", 2)],
)
def test_the_cores_that_a_server_can_use_follow_from_what_it_serves(
    tmp_path: Path, serves: object, cores: object, usable: int
) -> None:
    own = OwnBackend(("./s", "{port}"), "line", serves, False, tmp_path, cores=cores)  # type: ignore[arg-type]
    assert design_cores(own_backend("mine", own).cores, None, 2) == usable
    assert own.known.cores == own_backend("mine", own).cores
