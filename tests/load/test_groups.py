# SPDX-License-Identifier: BSD-3-Clause
"""Groups of clients, idle ones among them, and what each second saw."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Program, running
from .servers import Action, closed_port, serving, stopped_when

# What holds only where nobody holds up the server or the generator.
UNDISTURBED = pytest.mark.serial

LINE = ("--framing", "line")


@pytest.fixture
def null_port(programs: Path) -> Iterator[int]:
    """The port of a server that answers "1" to everything, on any number of connections."""
    with running(programs / "null_server", *LINE) as (port, _):
        yield port


def test_without_groups_there_is_one_of_all(fibload: Program, null_port: int) -> None:
    answer = fibload.load(null_port, *LINE, "--clients", "3", "--duration", "0.2")
    (group,) = answer.report["groups"]
    assert group["name"] == "all"
    assert (group["idle"], group["n"], group["rate_per_s"], group["lost"]) == (False, 1, None, 0)
    for member in ("clients", "counts", "latency", "open_loop", "cut_short"):
        assert group[member] == answer.report[member]
    for member, value in group["window"].items():
        assert answer.report["window"][member] == value
    assert answer.report["open_loop"] is None


@UNDISTURBED
def test_each_group_asks_for_its_own_and_is_counted_apart(fibload: Program, programs: Path) -> None:
    with running(programs / "mt_server", *LINE) as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "2", "--duration", "0.4", "--threads", "2",
            "--group", "name=small,clients=3,n=1", "--group", "name=slow,n=22",
        )  # fmt: skip
    assert answer.status == 0
    small, slow = answer.report["groups"]
    assert [small["n"], slow["n"]] == [1, 22]
    assert [small["clients"]["asked"], slow["clients"]["asked"]] == [3, 2]
    assert [small["clients"]["answered"], slow["clients"]["answered"]] == [3, 2]
    assert small["counts"]["ok"] > slow["counts"]["ok"] > 0
    assert small["latency"]["min_ns"] < slow["latency"]["min_ns"]
    assert answer.report["settings"]["clients"] == 5


def test_an_open_and_a_closed_group_run_side_by_side(fibload: Program, null_port: int) -> None:
    answer = fibload.load(
        null_port, *LINE, "--duration", "0.5", "--seed", "3",
        "--group", "name=steady,clients=4,rate=200,arrivals=uniform", "--group", "name=greedy",
    )  # fmt: skip
    steady, greedy = answer.report["groups"]
    assert steady["open_loop"]["due"] == 100
    assert steady["latency"]["clock"] == "intended"
    assert greedy["open_loop"] is None
    assert greedy["latency"]["clock"] == "service"
    assert answer.report["latency"]["clock"] == "mixed"
    assert answer.report["open_loop"]["due"] == 100
    assert answer.report["settings"]["rate_per_s"] is None


def test_a_wrong_reply_is_shown_beside_what_its_group_expected(
    fibload: Program, null_port: int
) -> None:
    answer = fibload.load(
        null_port, *LINE, "--duration", "0.2",
        "--group", "name=right,n=1", "--group", "name=wrong,n=5",
    )  # fmt: skip
    right, wrong = answer.report["groups"]
    assert right["counts"]["wrong"] == wrong["counts"]["ok"] == 0
    first = answer.report["first_wrong"]
    assert (first["expected"], first["got"], first["cut"]) == ("8", "1", False)
    assert answer.status == 3


@UNDISTURBED
@pytest.mark.parametrize("framing", [pytest.param("message", marks=pytest.mark.long), "line"])
def test_ten_thousand_idle_clients_connect_and_stay_silent(
    fibload: Program, programs: Path, framing: str
) -> None:
    with running(programs / "null_server", "--framing", framing) as (port, _):
        answer = fibload.load(
            port, "--framing", framing, "--duration", "0.3",
            "--group", "name=busy,clients=4", "--group", "name=idle,clients=10000,idle",
        )  # fmt: skip
    assert answer.status == 0
    busy, idle = answer.report["groups"]
    assert busy["counts"]["ok"] > 0
    assert idle["idle"] is True
    assert idle["clients"] == {"asked": 10_000, "connected": 10_000, "answered": 0}
    assert idle["lost"] == 0
    assert (idle["n"], idle["open_loop"], idle["seconds"]) == (None, None, [])
    # The totals are those of the clients that ask.
    assert answer.report["clients"]["asked"] == 4


@UNDISTURBED
def test_idle_clients_that_are_turned_away_are_lost(fibload: Program, programs: Path) -> None:
    with running(programs / "null_server", *LINE, "--max-connections", "10") as (port, _):
        answer = fibload.load(
            port, *LINE, "--duration", "0.3",
            "--group", "name=idle,clients=30,idle", "--group", "name=busy,clients=1",
        )  # fmt: skip
    idle, busy = answer.report["groups"]
    assert idle["lost"] == 30 - 10
    assert busy["counts"]["closed"] + busy["counts"]["reset"] > 0
    assert idle["counts"]["started"] == 0


def test_idle_clients_that_are_refused_are_lost_once(fibload: Program) -> None:
    answer = fibload.load(
        closed_port(), "--duration", "0.2",
        "--group", "name=idle,clients=5,idle", "--group", "name=busy",
    )  # fmt: skip
    idle = answer.report["groups"][0]
    assert idle["lost"] == 5
    assert idle["clients"]["connected"] == 0


@UNDISTURBED
def test_idle_clients_whose_server_dies_are_lost(fibload: Program) -> None:
    enough = threading.Event()
    with serving(line=True, before_reply=enough.set) as server, stopped_when(enough, server):
        answer = fibload.load(
            server.port, *LINE, "--n", "30", "--duration", "0.5", "--threads", "2",
            "--group", "name=idle,clients=7,idle", "--group", "name=busy,clients=2",
        )  # fmt: skip
    assert answer.report["groups"][0]["lost"] == 7


@UNDISTURBED
def test_an_idle_client_that_is_told_something_makes_the_run_invalid(fibload: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"hello\n")
                connection.recv(1)

        thread = threading.Thread(target=greet)
        thread.start()
        answer = fibload.load(
            listener.getsockname()[1], *LINE, "--duration", "0.3",
            "--group", "name=idle,clients=1,idle", "--group", "name=busy",
        )  # fmt: skip
        thread.join()
    assert answer.status == 3
    assert answer.report["surplus_bytes"] == len("hello\n")
    assert answer.report["groups"][0]["lost"] == 1


def test_connections_stand_before_an_open_loop_begins(fibload: Program) -> None:
    # The first requests do not have to wait for their connections, however many there are.
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, *LINE, "--n", "30", "--clients", "50", "--rate", "20", "--duration", "0.5"
        )
        assert server.connections == 50
    assert answer.report["clients"]["connected"] == 50
    assert answer.report["connections_opened"] == 50


def test_a_server_that_never_accepts_is_not_waited_for_for_ever(fibload: Program) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        answer = fibload.load(
            listener.getsockname()[1], *LINE, "--clients", "20", "--rate", "100",
            "--timeout", "0.5", "--duration", "0.3",
        )  # fmt: skip
    assert answer.status == 3
    assert answer.counts["ok"] == 0


@UNDISTURBED
def test_every_second_has_its_histogram(fibload: Program, null_port: int) -> None:
    answer = fibload.load(
        null_port, *LINE, "--clients", "4", "--threads", "2", "--duration", "1.5",
        "--group", "name=a", "--group", "name=b,rate=300,arrivals=uniform",
    )  # fmt: skip
    closed, steady = answer.report["groups"]
    # load() has checked that the seconds of each group add up to its histogram.
    assert [second["second"] for second in closed["seconds"]] == [0, 1]
    assert [second["second"] for second in steady["seconds"]] == [0, 1]
    counts = [second["ok"] for second in steady["seconds"]]
    assert counts == pytest.approx([300, 150], abs=30)


def test_a_second_without_replies_is_not_there(fibload: Program) -> None:
    actions = [Action.ANSWER, *[Action.SILENT] * 5]
    with serving(line=True, actions=actions) as server:
        answer = fibload.load(
            server.port, *LINE, "--n", "30", "--timeout", "1.2", "--duration", "1.5"
        )
    numbers = [second["second"] for second in answer.report["groups"][0]["seconds"]]
    assert numbers == [0]
