# SPDX-License-Identifier: BSD-3-Clause
"""Which CPUs servers and load get: what the file says, cores apart for I/O, or all of them."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import GIL, KNOWN, SMALL, faults, parse

from fibench.machine.cores import physical_cores
from fibench.parameters.cpu_list import (
    LARGEST_CPU,
    CpuListError,
    normalised_cpus,
    parse_cpus,
    written_cpus,
)
from fibench.plan.advice import warnings
from fibench.plan.pinning import MOST_COMPUTED_S, Pinning, check_cpus, choose, computing_s
from fibench.report.lines import pinning_words

FOUR = [[0, 4], [1, 5], [2, 6], [3, 7]]
IO = SMALL + "clients = 256\n"
CPUS = st.sets(st.integers(0, LARGEST_CPU), min_size=1, max_size=40)
CORES = st.lists(st.integers(1, 2), min_size=1, max_size=64).map(
    lambda widths: [
        [sum(widths[:at]) + thread for thread in range(width)] for at, width in enumerate(widths)
    ]
)


def test_the_last_core_is_the_loads_where_requests_do_not_compute() -> None:
    chosen = choose(parse(IO), FOUR)

    assert (chosen.server, chosen.load) == ("0-2,4-6", "3,7")
    assert pinning_words(chosen) == (
        "servers on 0-2,4-6, load on 3,7 "
        "(the requests are about I/O: none computes for over 100 µs)"
    )


def test_nothing_is_pinned_where_a_request_computes() -> None:
    chosen = choose(parse(GIL), FOUR)

    assert (chosen.server, chosen.load) == (None, None)
    assert pinning_words(chosen) == "not pinned: a request of py-sync n=27 computes for about 20 ms"


@pytest.mark.parametrize(("backend", "longest"), [("c-mt", 23), ("py-mt", 15)])
def test_the_limit_is_a_tenth_of_a_millisecond(backend: str, longest: int) -> None:
    about_io = parse(IO, {"backend": backend, "n": str(longest)})
    computing = parse(IO, {"backend": backend, "n": str(longest + 1)})

    assert choose(about_io, FOUR).load is not None
    assert choose(computing, FOUR).load is None


@pytest.mark.parametrize(("n", "about"), [(34, "580 ms"), (36, "1.5 s"), (45, "120 s")])
def test_how_long_a_request_computes_has_a_unit_that_suits(n: int, about: str) -> None:
    chosen = choose(parse(IO + f"n = {n}", {"max_n": "45", "backend": "py-mt"}), FOUR)

    assert chosen.why == f"a request of py-mt computes for about {about}"


def test_waiting_does_not_compute() -> None:
    assert choose(parse(IO, {"io_wait": "50ms"}), FOUR).load == "3,7"


@pytest.mark.parametrize(("backend", "most"), [("c-mt", 6), ("py-mt", 0)])
def test_work_besides_does(backend: str, most: int) -> None:
    for units in range(1, 9):
        given = {"backend": backend, "work": "hash", "work_units": str(units)}
        assert (choose(parse(IO, given), FOUR).load is not None) == (units <= most), units
    assert choose(parse(IO, {"backend": "py-mt", "work": "fib"}), FOUR).load is not None
    assert choose(parse(IO, {"backend": "py-mt", "work": "alloc"}), FOUR).load is None


def test_one_cell_that_computes_suffices() -> None:
    assert choose(parse(IO, {"n": "1,30"}), FOUR).load is None


def test_the_largest_number_of_a_client_group_counts() -> None:
    text = IO + '[[load.group]]\nname = "a"\n[[load.group]]\nname = "slow"\nn = 30\n'

    assert choose(parse(text), FOUR).load is None


def test_in_which_language_a_server_of_the_users_own_computes_is_not_known() -> None:
    """In C 16 to 23 are about I/O, in Python not: it must say how many cores it can use."""
    own = '[backends.mine]\ncommand = ["./s", "{port}"]\n'
    text = IO.replace("[server]", own).replace('["py-sync", "py-mt"]', '"mine"')
    of_one_core = text.replace(own, own + "cores = 1\n")

    assert choose(parse(text, {"n": "15"}), FOUR).load is not None
    for n in ("16", "23"):
        unsaid = choose(parse(text, {"n": n}), FOUR)
        assert unsaid.load is None
        assert "if its design uses one, write cores = 1 in [backends.mine]" in unsaid.why
        assert "computes for" not in unsaid.why
        assert choose(parse(of_one_core, {"n": n}), FOUR).load == "3,7"
    computing = choose(parse(of_one_core, {"n": "24"}), FOUR)
    assert (computing.load, computing.why) == (
        None,
        "a request of mine computes for about 110 µs at least",
    )


def test_one_core_is_not_shared_out() -> None:
    assert pinning_words(choose(parse(IO), [[0, 1]])) == "not pinned: there is one core only"


def test_the_processes_of_client_bench_are_not_put_on_one_core() -> None:
    chosen = choose(parse(IO, {"kind": "process"}), FOUR)

    assert pinning_words(chosen) == (
        "not pinned: client_bench.sh starts a process for each client, which share all cores"
    )


@pytest.mark.parametrize(
    ("threads", "server", "load"),
    [(1, "0-2,4-6", "3,7"), (2, "0-1,4-5", "2-3,6-7"), (9, "0-1,4-5", "2-3,6-7")],
)
def test_threads_of_the_load_get_cores_but_never_more_than_half(
    threads: int, server: str, load: str
) -> None:
    chosen = choose(parse(IO + f"threads = {threads}"), FOUR)

    assert (chosen.server, chosen.load) == (server, load)


@given(CORES, st.integers(1, 256), st.sampled_from(sorted(KNOWN)), st.integers(0, 34))
def test_both_have_cores_of_their_own_or_all_of_them(
    cores: list[list[int]], threads: int, backend: str, n: int
) -> None:
    experiment = parse(IO + f"threads = {threads}", {"backend": backend, "n": str(n)})
    chosen = choose(experiment, cores)

    about_io = computing_s(n, KNOWN[backend].language) <= MOST_COMPUTED_S
    assert (chosen.load is not None) == (len(cores) >= 2 and about_io)
    if chosen.server is None or chosen.load is None:
        assert chosen.server is chosen.load is None
        return
    server, load = parse_cpus(chosen.server), parse_cpus(chosen.load)
    assert sorted(server + load) == sorted(cpu for core in cores for cpu in core)
    assert server[0] == 0, "the load gets the last cores"
    of_load = [core for core in cores if set(core) <= set(load)]
    assert sorted(cpu for core in of_load for cpu in core) == load, "no core is shared"
    assert 1 <= len(of_load) <= max(1, min(threads, len(cores) // 2))


@pytest.mark.parametrize(
    ("server", "load", "expected"),
    [
        ('cpus = "0"', 'cpus = "1"', "servers on 0, load on 1 (as the file says)"),
        ('cpus = "0, 2-3"', "", "servers on 0,2-3, load on all CPUs (as the file says)"),
        ("", 'cpus = "3,1"', "servers on all CPUs, load on 1,3 (as the file says)"),
        ('cpus = "all"', "", "not pinned: as the file says"),
    ],
)
def test_what_the_file_says_is_done(server: str, load: str, expected: str) -> None:
    text = IO.replace("[server]", f"[server]\n{server}").replace("[load]", f"[load]\n{load}")

    assert pinning_words(choose(parse(text), FOUR)) == expected


def test_cpus_are_parameters_of_every_cell_under_names_of_their_own() -> None:
    text = IO.replace("[server]", '[server]\ncpus = "0-1"').replace(
        "[load]", '[load]\ncpus = "all"'
    )

    for cell in parse(text).cells:
        assert (cell.parameters.server_cpus, cell.parameters.load_cpus) == ("0-1", "all")


def test_a_pinning_says_so_when_it_is_none() -> None:
    assert pinning_words(Pinning(None, None, "because")) == "not pinned: because"


# Sets of CPUs


@given(CPUS)
def test_a_set_of_cpus_is_written_as_it_is_read(cpus: set[int]) -> None:
    assert parse_cpus(written_cpus(cpus)) == sorted(cpus)
    assert normalised_cpus(written_cpus(cpus)) == written_cpus(cpus)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=20))
def test_order_and_spaces_do_not_matter(cpus: list[int]) -> None:
    assert normalised_cpus(" , ".join(map(str, cpus))) == written_cpus(cpus)


@given(st.text(max_size=40))
def test_any_text_is_a_set_of_cpus_or_none(text: str) -> None:
    try:
        found = normalised_cpus(text)
    except CpuListError:
        return
    assert found == "all" or normalised_cpus(found) == found


CPU_FAULTS = {
    "word": ('"one"', '"one" is no set of CPUs'),
    "empty": ('""', '"" is no set of CPUs'),
    "comma at the end": ('"0,"', '"0," is no set of CPUs'),
    "open range": ('"2-"', '"2-" is no set of CPUs'),
    "range backwards": ('"3-1"', '"3-1" has a range that ends before it begins: 3-1'),
    "too large": ('"4096"', '"4096" has a CPU outside 0 to 4095'),
    "far too large": ('"0-999999999"', '"0-999999999" has a CPU outside 0 to 4095'),
}


@pytest.mark.parametrize("name", CPU_FAULTS)
@pytest.mark.parametrize(("table", "place"), [("server", "5:8"), ("load", "6:8")])
def test_a_fault_of_cpus_is_explained(name: str, table: str, place: str) -> None:
    written, what = CPU_FAULTS[name]

    assert faults(SMALL.replace(f"[{table}]", f"[{table}]\ncpus = {written}")) == [
        f'e.toml:{place}: cpus {what}\nwrite for example "0", "0,2-3" or "all"'
    ]


def test_cpus_that_are_no_text_are_explained() -> None:
    assert faults(SMALL + "cpus = 0") == [
        'e.toml:6:8: cpus must be text, not a whole number\nwrite cpus = "0"'
    ]
    assert faults(SMALL + "cpus = [0]") == [
        'e.toml:6:8: cpus must be text, not a list\nwrite cpus = "0,2-3" or "all"'
    ]


def test_cpus_do_not_vary() -> None:
    (fault,) = faults(SMALL.replace("[server]", 'cpus = ["0", "1"]\n[server]'))
    assert fault == (
        'e.toml:4:1: unknown key "cpus" in [[matrix]]\n'
        "`cpus` does not vary: it belongs in [server] or [load]"
    )


def test_cpus_that_are_not_here_are_refused_before_anything_starts() -> None:
    text = IO.replace("[server]", '[server]\ncpus = "0,8"').replace(
        "[load]", '[load]\ncpus = "2-4"'
    )

    assert check_cpus(parse(text), {0, 1, 2, 3}) == [
        (("server", "cpus"), 'cpus "0,8": CPU 8 cannot be used here', "there are: 0-3"),
        (("load", "cpus"), 'cpus "2-4": CPU 4 cannot be used here', "there are: 0-3"),
    ]
    assert check_cpus(parse(text), range(9)) == []
    assert check_cpus(parse(IO + 'cpus = "all"'), {3}) == []


def test_it_warns_of_cpus_that_servers_and_load_share() -> None:
    text = IO.replace("[server]", '[server]\ncpus = "0-2"').replace(
        "[load]", '[load]\ncpus = "2-3"'
    )

    assert warnings(parse(text), KNOWN, 4) == [
        "servers and load both may use CPU 2: they take it from each other"
    ]
    assert warnings(parse(text.replace('"2-3"', '"3"')), KNOWN, 4) == []
    assert warnings(parse(text.replace('"2-3"', '"all"')), KNOWN, 4) == []


def test_the_cores_of_this_machine_are_those_it_may_use() -> None:
    cores = physical_cores()

    assert sorted(cpu for core in cores for cpu in core) == sorted(os.sched_getaffinity(0))


# Requests of the file

ASKED = """\
title = "t"
[backends.mine]
command = ["./s", "{port}", "{workers}"]
CORES
[requests.page]
get = "/"
[[matrix]]
backend = "mine"
request = "page"
workers = WORKERS
"""


def asked(cores: str, workers: str = "1") -> str:
    return ASKED.replace("CORES", cores).replace("WORKERS", workers)


@pytest.mark.parametrize(
    ("cores", "workers", "server"),
    [
        ("cores = 1", "1", "0-2,4-6"),
        ("cores = 1", "9", "0-2,4-6"),
        ("cores = 3", "1", "0-2,4-6"),
        ('cores = "workers"', "3", "0-2,4-6"),
        ("serves = 1", "1", "0-2,4-6"),
        ('cores = "workers"', "[1, 4]", None),
        ("cores = 4", "1", None),
        ("", "1", None),
    ],
)
def test_no_server_loses_a_core_that_it_could_use(
    cores: str, workers: str, server: str | None
) -> None:
    chosen = choose(parse(asked(cores, workers)), FOUR)
    assert chosen.server == server
    assert chosen.load == (None if server is None else "3,7")


def test_why_servers_asked_for_requests_are_pinned_or_not_is_said() -> None:
    said = {
        cores: pinning_words(choose(parse(asked(cores, workers)), FOUR[:2]))
        for cores, workers in {"": "1", "cores = 1": "1", 'cores = "workers"': "2"}.items()
    }
    assert said[""] == (
        "not pinned: mine may use all cores; if its design uses one, write cores = 1 in "
        "[backends.mine]"
    )
    assert said["cores = 1"] == (
        "servers on 0,4, load on 1,5 (the servers' designs use no more cores)"
    )
    assert said['cores = "workers"'] == (
        "not pinned: mine uses 2 physical cores, and the load would leave it 1"
    )


def test_a_server_that_computes_is_not_pinned_beside_one_that_is_asked_for_requests() -> None:
    both = asked("cores = 1") + '[[matrix]]\nbackend = "c-mt"\nn = 30\n'
    assert choose(parse(both), FOUR).why == "a request of c-mt n=30 computes for about 1.9 ms"
