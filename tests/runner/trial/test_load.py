# SPDX-License-Identifier: BSD-3-Clause
"""The command of a load says all that a cell says of it, and its edges come in order."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.runner.small_servers import Starter, command

from fibench.parameters import Parameters
from fibench.parameters.groups import parse
from fibench.trial import load
from fibench.trial.load import (
    COURSE_HOST,
    Edge,
    LoadCommand,
    LoadError,
    check_command,
    drive,
    fibload_command,
    process_command,
    read_fibload,
)

CELL = Parameters(backend="c-mt", clients=8, n=27, duration=0.7)


def words(cell: dict[str, Any], **more: Any) -> list[str]:
    """fibload's options, without program, host and port."""
    made = fibload_command(Path("/programs"), replace(CELL, **cell), 4000, **more)
    assert (made.argv[0], made.argv[-1]) == ("/programs/fibload", "4000")
    return made.argv[3:-1]


def after(option: str, options: list[str]) -> list[str]:
    """The values of an option."""
    return [options[at + 1] for at, word in enumerate(options) if word == option]


def test_a_closed_loop_names_what_a_cell_always_has() -> None:
    assert words({}) == [
        *("--framing", "message", "--clients", "8", "--threads", "1", "--timeout", "30"),
        *("--n", "27", "--warmup", "auto", "--duration", "0.7"),
    ]
    assert words({}, seed=7) == words({})  # nothing is drawn
    assert after("--warmup", words({"warmup": 0.2})) == ["0.2"]


def test_a_load_that_looks_until_it_is_steady_may_take_ten_seconds_more() -> None:
    looks, none = (fibload_command(Path(), replace(CELL, warmup=w), 1) for w in ("auto", 0.0))
    assert looks.limit_s is not None
    assert none.limit_s is not None
    assert looks.limit_s - none.limit_s == pytest.approx(10.0)


def test_an_open_loop_has_its_rate_and_the_seed_of_its_schedule() -> None:
    poisson = words({"rate": 500.0, "arrivals": "poisson", "spin": 0}, seed=7)
    assert after("--rate", poisson) == ["500"]
    assert after("--arrivals", poisson) == ["poisson"]
    assert after("--seed", poisson) == ["7"]
    assert "--spin" not in poisson
    tenth = words({"rate": 0.1, "arrivals": "uniform", "spin": 1})
    assert after("--rate", tenth) == ["0.1"]
    assert "--spin" in tenth


def test_each_group_is_an_option_of_its_own() -> None:
    text = "name=small,clients=7,n=1;name=slow,clients=1,n=30,rate=5,arrivals=poisson"
    grouped = words({"groups": parse(f"{text};name=idle,clients=100,idle")}, seed=3)
    assert after("--group", grouped) == [*text.split(";"), "name=idle,clients=100,idle"]
    assert after("--n", grouped) == []
    assert after("--seed", grouped) == ["3"]


def test_a_server_that_does_not_compute_is_asked_for_what_it_answers() -> None:
    assert after("--request", words({}, reply="1")) == ["27"]
    assert after("--expect", words({}, reply="1")) == ["1"]
    grouped = words({"groups": parse("name=a,clients=1,n=30;name=b,clients=9,idle")}, reply="1")
    assert after("--group", grouped) == ["name=a,clients=1,n=1", "name=b,clients=9,idle"]
    assert "--expect" not in grouped


def test_a_load_may_take_its_windows_one_time_out_and_some_grace() -> None:
    made = fibload_command(Path(), replace(CELL, rate=10.0, timeout=5.0), 1)
    assert made.limit_s is not None
    assert 0.9 + 5.0 < made.limit_s < 60


def test_a_name_that_stands_for_no_address_is_an_error() -> None:
    with pytest.raises(LoadError, match="cannot resolve"):
        fibload_command(Path(), replace(CELL, host="no.such.host.invalid"), 1)


def test_the_edges_of_a_window_come_in_order_and_the_late_one_before_the_end(
    programs: Path, tmp_path: Path
) -> None:
    """The middle and the late one are left out where a busy machine has them after the end."""
    seen: list[Edge] = []
    text = (
        "listen(); tell()\nwhile True: c, _ = listener.accept(); c.recv(9); c.send(b'1'); c.close()"
    )
    with Starter(programs / "supervise", tmp_path)(command(text)) as running:
        cell = replace(CELL, n=1, clients=1, warmup=0.0, duration=0.2)
        made = fibload_command(programs, cell, running.port)
        ending = drive(
            made, programs / "supervise", tmp_path, lambda edge, at_ns: seen.append(edge)
        )
        assert ending.status == 0
        assert {"begin", "end"} <= set(seen)
        assert seen == [edge for edge in ("begin", "middle", "late", "end") if edge in seen]
        assert read_fibload(tmp_path)["valid"]


@pytest.mark.parametrize(
    ("window_s", "first_took_s", "edges"),
    [
        (1.0, 0.0, {"middle": 0.5, "late": 0.99}),
        (1.0, 0.1, {"middle": 0.5, "late": 0.8}),
        (1.0, 0.3, {"middle": 0.5}),
        (0.0, 0.0, {}),
    ],
)
def test_a_reading_that_takes_long_comes_sooner_before_the_end(
    window_s: float, first_took_s: float, edges: dict[Edge, float]
) -> None:
    moments = load._moments(50.0, window_s, first_took_s)
    assert {edge: at_s - 50.0 for at_s, edge in moments} == pytest.approx(edges)


@pytest.mark.parametrize("course", [False, True])
def test_a_load_runs_on_the_cpus_that_it_is_given(
    programs: Path, tmp_path: Path, course: bool
) -> None:
    cpu = max(os.sched_getaffinity(0))
    if course:
        made = process_command(programs, replace(CELL, host=COURSE_HOST), 1, str(cpu))
    else:
        made = fibload_command(programs, CELL, 1, cpus=str(cpu))
    assert made.cpus == str(cpu)
    show = ["python3", "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
    ending = drive(
        LoadCommand(show, 0.0, 60.0, announces=False, cpus=made.cpus),
        programs / "supervise",
        tmp_path,
        lambda edge, at_ns: None,
    )
    assert ending.status == 0
    assert (tmp_path / "load.out").read_text() == f"[{cpu}]\n"


def test_cpus_that_are_not_here_are_named(programs: Path, tmp_path: Path) -> None:
    made = fibload_command(programs, CELL, 1, cpus="1023")
    drive(made, programs / "supervise", tmp_path, lambda edge, at_ns: None)
    with pytest.raises(LoadError, match="CPU 1023 may not be used here"):
        read_fibload(tmp_path)


def test_requests_of_the_file_are_named_for_all_clients_or_for_each_group(tmp_path: Path) -> None:
    cell = {"n": None, "request": "page", "framing": "http", "pipeline": 4}
    asked = words(cell, reply=tmp_path / "asks")
    assert asked[:2] == ["--framing", "http"]
    assert after("--asks", asked) == [str(tmp_path / "asks")]
    assert after("--ask", asked) == ["page"]
    assert after("--pipeline", asked) == ["4"]
    assert not {"--n", "--request", "--expect", "--requests-per-connection"} & {*asked}
    text = "name=a,clients=7,rate=5,arrivals=poisson,request=page;name=b,clients=9,idle"
    grouped = words({**cell, "groups": parse(text)}, reply=tmp_path / "asks")
    assert after("--ask", grouped) == []
    assert after("--group", grouped) == [
        "name=a,clients=7,rate=5,arrivals=poisson,ask=page",
        "name=b,clients=9,idle",
    ]


def test_where_the_runner_is_matters_not_to_what_is_asked() -> None:
    asked = words({"framing": "bytes", "request": "it", "pipeline": 1}, reply=Path("asks"))
    assert after("--asks", asked) == [str(Path.cwd() / "asks")]


def test_a_check_asks_each_request_by_so_many_clients() -> None:
    argv = check_command(Path("/p"), CELL, 4000, Path("/asks"), framing="http", at_once=3)
    assert (argv[:2], argv[-1]) == (["/p/fibload", "--check"], "4000")
    options = argv[2:-1]
    assert [after(name, options) for name in ("--clients", "--asks", "--timeout")] == [
        ["3"],
        ["/asks"],
        ["30"],
    ]
