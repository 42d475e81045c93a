# SPDX-License-Identifier: BSD-3-Clause
"""An experiment file is understood as meant, or each of its faults is explained."""

import errno
import os
import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.runner.samples import GIL, KNOWN, SMALL, faults, parse

from fibench.document import ExperimentError, find_experiment
from fibench.experiment import Experiment, OwnBackend, load_experiment, parse_experiment

CLAIM = """
[[claim]]
says = "c"
value = { backend = "py-mt" }
metric = "cores"
below = 1.1
"""
RATIO = """
[[claim]]
says = "r"
ratio = [{ backend = "py-mt" }, { backend = "py-sync" }]
metric = "throughput"
above = 1.3
"""
OWN = """
[backends.mine]
command = ["./my_server", "--threads", "4", "{port}"]
"""


def test_the_example_is_understood() -> None:
    experiment = parse(GIL)

    assert experiment.title == "Threads cannot speed up CPU-bound Python; processes can"
    assert (experiment.plan.blocks, experiment.plan.seed) == (10, 7)
    assert experiment.load == {"clients": 8, "duration": 0.7, "warmup": 0.2}
    ratio, value = experiment.claims
    assert ratio.id == "multiprocess-beats-threads-when-the-work-is-cpu-bound-python"
    assert (ratio.kind, ratio.metric, ratio.low, ratio.high) == ("ratio", "throughput", 1.3, None)
    assert (ratio.left.label, ratio.needs_cpus) == ("py-mp n=27", 2)
    assert ratio.right is not None
    assert ratio.right.label == "py-mt n=27"
    assert (value.kind, value.metric, value.low, value.high) == ("value", "cores", None, 1.1)
    assert value.right is None


def test_what_is_not_given_has_the_documented_default() -> None:
    experiment = parse('title = "t"\n[matrix]\nbackend = "c-mt"\n')
    parameters = experiment.cells[0].parameters

    assert (experiment.plan.blocks, experiment.plan.seed) == (5, 1)
    assert parameters.as_json() == {
        "backend": "c-mt", "interpreter": None, "port": None, "host": "127.0.0.1",
        "framing": "message", "workers": None, "io_wait": 0.0, "backlog": 4096,
        "idle_timeout": 60.0,
        "max_connections": 65536, "max_n": 34, "switch_interval": None, "kind": "fibload",
        "clients": 1, "n": 1, "duration": 1.0, "requests": None, "warmup": 0.2, "pipeline": 1,
        "requests_per_connection": 0, "threads": 1, "timeout": 30.0, "rate": None,
        "arrivals": None, "spin": None, "server_cpus": None, "load_cpus": None, "groups": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "bound", "low", "high"),
    [
        ("p99", 'below = "5ms"', None, 0.005),
        ("memory", 'above = "30MiB"', 30 * 2**20, None),
        ("cpu_per_request", 'below = "2.5us"', None, 2.5e-6),
        ("throughput", 'above = "500/s"', 500.0, None),
        ("throughput", "above = 500", 500.0, None),
        ("cores", "within = [0.9, 1.1]", 0.9, 1.1),
        ("p50", 'within = ["1ms", "1.5 s"]', 0.001, 1.5),
        ("errors", "below = 1", None, 1.0),
        ("refused", "above = 0", 0.0, None),
    ],
)
def test_bounds_are_in_base_units(
    metric: str, bound: str, low: float | None, high: float | None
) -> None:
    claim = parse(SMALL + CLAIM.replace("cores", metric).replace("below = 1.1", bound)).claims[0]

    assert (claim.low, claim.high) == (low, high)


def test_a_server_of_the_users_own_is_kept_as_it_is_written() -> None:
    text = SMALL.replace('"py-mt"]', '"mine"]') + OWN
    experiment = parse_experiment(text, "some/where/e.toml", KNOWN)

    slow = parse_experiment(
        text.replace("[backends.mine]", '[backends.mine]\nstart_timeout = "60s"'), "e.toml", KNOWN
    )
    assert slow.backends["mine"].start_timeout_s == 60.0
    assert experiment.backends == {
        "mine": OwnBackend(
            command=("./my_server", "--threads", "4", "{port}"),
            framing="message",
            serves="any",
            ready_fd=False,
            folder=Path("some/where"),
        )
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\N{BYTE ORDER MARK}" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("backend = [", "backend = [ # why\n  "),
    ],
    ids=["byte order mark", "CRLF", "list over lines"],
)
def test_the_layout_of_the_file_does_not_matter(change: object) -> None:
    assert callable(change)
    assert parse(change(GIL)).cells == parse(GIL).cells


DIAGNOSTICS = {
    # What a word is wrong about
    "unknown backend": (
        ('"py-mt"]', '"py-mtt"]'),
        'e.toml:3:23: unknown backend "py-mtt"\ndid you mean "py-mt"?',
    ),
    "unknown backend in a claim": (
        ("[load]", "[load]" + CLAIM.replace("py-mt", "py-mtt")),
        'e.toml:8:21: unknown backend "py-mtt"\ndid you mean "py-mt"?',
    ),
    "misspelt key": (
        ("[load]", "[load]\nclient = 8"),
        'e.toml:6:1: unknown key "client" in [load]\ndid you mean "clients"?',
    ),
    "misspelt key at the top": (
        ("title", "titel"),
        'e.toml:1:1: unknown key "titel"\ndid you mean "title"?',
    ),
    "misspelt table": (
        ("[load]", "[lod]"),
        'e.toml:5:2: unknown key "lod"\ndid you mean "load"?',
    ),
    "key in the wrong table": (
        ("[server]", "[server]\nclients = 8"),
        'e.toml:5:1: unknown key "clients" in [server]\n`clients` belongs in [load]',
    ),
    "key of a claim in the plan": (
        ("[server]", "[plan]\nmetric = 8\n[server]"),
        'e.toml:5:1: unknown key "metric" in [plan]\n`metric` belongs in [[claim]]',
    ),
    "misspelt key of another table": (
        ("[server]", "[server]\nclientss = 8"),
        (
            'e.toml:5:1: unknown key "clientss" in [server]\n'
            'did you mean "clients"? It belongs in [load]'
        ),
    ),
    "port in the matrix": (
        ("[server]", "port = [1, 2]\n[server]"),
        (
            'e.toml:4:1: unknown key "port" in [[matrix]]\n'
            "`port` does not vary: it belongs in [server]"
        ),
    ),
    "title missing": (
        ('title = "t"', ""),
        'e.toml:1:1: title is missing\nbegin the file with title = "what the experiment shows"',
    ),
    "backend missing": (
        ('backend = ["py-sync", "py-mt"]', ""),
        'e.toml:2:3: backend is missing in [[matrix]]\nadd backend = ["py-sync", "py-mt"]',
    ),
    "metric missing": (
        ("[load]", "[load]" + CLAIM.replace('metric = "cores"\n', "")),
        'e.toml:6:3: metric is missing in [[claim]]\nadd metric = "throughput"',
    ),
    "key of a later version": (
        ("[load]", "[load]\nzipf = 100"),
        (
            'e.toml:6:1: unknown key "zipf" in [load]\n'
            "valid: arrivals, clients, cpus, duration, group, kind, n, pipeline, rate, requests, "
            "requests_per_connection, spin, threads, timeout, warmup"
        ),
    ),
    # What a value is wrong about
    "port 70000": (
        ("[server]", "[server]\nport = 70000"),
        "e.toml:5:8: port 70000 is outside 1 to 65535",
    ),
    "port 0": (
        ("[server]", "[server]\nport = 0"),
        "e.toml:5:8: port 0 is outside 1 to 65535",
    ),
    "text for a number": (
        ("[load]", '[load]\nclients = "8"'),
        "e.toml:6:11: clients must be a whole number, not text",
    ),
    "truth for a number": (
        ("[load]", "[load]\nclients = true"),
        "e.toml:6:11: clients must be a whole number, not true or false",
    ),
    "date for a number": (
        ("[load]", "[load]\nclients = 2026-01-01"),
        "e.toml:6:11: clients must be a whole number, not a date or time",
    ),
    "list where one value is meant": (
        ("[load]", "[load]\nclients = [1, 2]"),
        "e.toml:6:11: clients must be a whole number, not a list",
    ),
    "huge number": (
        ("[load]", f"[load]\nclients = 0x{'f' * 9000}"),
        "e.toml:6:11: clients a number of over 30 digits is outside 1 to 20000",
    ),
    "bare number for a duration": (
        ("[load]", "[load]\nduration = 2"),
        'e.toml:6:12: duration needs a unit: write "2s" or "2ms"',
    ),
    "duration with a wrong unit": (
        ("[load]", '[load]\nduration = "2 sec"'),
        'e.toml:6:12: duration "2 sec" is no duration\nwrite a number and a unit: "0.7s", "200ms"',
    ),
    "duration out of range": (
        ("[load]", '[load]\nduration = "2h"'),
        'e.toml:6:12: duration "2h" is outside 10ms to 60min',
    ),
    "unknown framing": (
        ("[server]", '[server]\nframing = "lines"'),
        'e.toml:5:11: framing "lines" is unknown\ndid you mean "line"?',
    ),
    "unknown metric": (
        ("[load]", "[load]" + CLAIM.replace("cores", "core")),
        'e.toml:9:10: metric "core" is unknown\ndid you mean "cores"?',
    ),
    "name that is none": (
        ('"py-mt"]', '"Py mt"]'),
        (
            'e.toml:3:23: backend "Py mt" is not allowed\n'
            "allowed: 1 to 64 of a-z, 0-9, '.', '_', '-'"
        ),
    ),
    "host that is none": (
        ("[server]", '[server]\nhost = "-x"'),
        'e.toml:5:8: host "-x" is not allowed\nallowed: an address or a host name',
    ),
    "table for a value": (
        ("[server]", "server = 5"),
        (
            'e.toml:4:1: unknown key "server" in [[matrix]]\n'
            "`server` belongs at the top of the file, before the first table"
        ),
    ),
    "value for a table": (
        ('title = "t"', 'title = "t"\nplan = 5'),
        "e.toml:2:8: plan must be a table, not a whole number\nwrite [plan]",
    ),
    "empty list": (
        ("[server]", "n = []\n[server]"),
        "e.toml:4:5: n is an empty list\ngive at least one value, or remove the key",
    ),
    "empty title": (('"t"', '" "'), "e.toml:1:9: title is empty"),
    "title of two lines": (('"t"', '"a\\nb"'), "e.toml:1:9: title must be one line"),
    "control character in a title": (
        ('"t"', '"a\\u001b[2J"'),
        "e.toml:1:9: title contains the character U+001B\nremove it",
    ),
    "too many clients": (
        ("[load]", "[load]\nclients = 20001"),
        "e.toml:6:11: clients 20001 is outside 1 to 20000",
    ),
    "element of a list": (
        ("[server]", "n = [1, 46]\n[server]"),
        "e.toml:4:9: n 46 is outside 0 to 45",
    ),
    # What does not fit together
    "key in [load] and in [[matrix]]": (
        ("[server]\n[load]", "clients = [1, 2]\n[load]\nclients = 8"),
        "e.toml:4:1: clients stands in [load] and in [[matrix]]\nkeep one of them",
    ),
    "key in [server] and in [[matrix]]": (
        ("[server]", 'io_wait = "1ms"\n[server]\nio_wait = "1ms"'),
        "e.toml:4:1: io_wait stands in [server] and in [[matrix]]\nkeep one of them",
    ),
    "value twice": (
        ("[server]", "n = [1, 2, 1]\n[server]"),
        "e.toml:4:12: n 1 is given twice\nremove one of them",
    ),
    "backend twice": (
        ('"py-mt"]', '"py-sync"]'),
        'e.toml:3:23: backend "py-sync" is given twice\nremove one of them',
    ),
    "duration twice in other words": (
        ("[server]", 'warmup = ["1s", "1000ms"]\n[server]'),
        "e.toml:4:17: warmup 1s is given twice\nremove one of them",
    ),
    "cell twice": (
        ("[server]", '[[matrix]]\nbackend = "py-mt"\n[server]'),
        (
            "e.toml:5:11: an earlier [[matrix]] makes the same cell: py-mt\n"
            "remove the backend from one of the two tables, or give them different values"
        ),
    ),
    "n above max_n": (
        ("[load]", "[load]\nn = 40"),
        (
            'e.toml:6:5: n 40 is above max_n 34: the reply would be "out of range"\n'
            "write max_n = 40 in [server]"
        ),
    ),
    "duration and requests": (
        ("[load]", '[load]\nduration = "1s"\nrequests = 5'),
        (
            "e.toml:7:12: duration and requests are both given\n"
            "a window ends after a time or after replies: keep one"
        ),
    ),
    "pipeline without lines": (
        ("[load]", "[load]\npipeline = 4"),
        (
            'e.toml:6:12: pipeline 4 needs framing = "line"\n'
            'with "message" each connection carries one request'
        ),
    ),
    "renewed connections without lines": (
        ("[load]", "[load]\nrequests_per_connection = 4"),
        (
            'e.toml:6:27: requests_per_connection 4 needs framing = "line"\n'
            'with "message" each connection carries one request'
        ),
    ),
    "more threads than clients": (
        ("[load]", "[load]\nclients = 2\nthreads = 3"),
        (
            "e.toml:7:11: threads 3 is above clients 2: some would have nothing to do\n"
            "give at most one thread per client"
        ),
    ),
    "switch interval without Python": (
        ('["py-sync", "py-mt"]\n[server]', '"c-mt"\n[server]\nswitch_interval = "1ms"'),
        "e.toml:5:1: switch_interval applies to none of these cells\nit is for servers in Python",
    ),
    "process with keys of fibload": (
        ("[load]", '[load]\nkind = "process"\nduration = "1s"'),
        (
            "e.toml:7:1: duration applies to none of these cells\n"
            'kind = "process" runs client_bench.sh, which knows clients and n only'
        ),
    ),
    "process with lines": (
        ("[server]\n[load]", '[server]\nframing = "line"\n[load]\nkind = "process"'),
        (
            'e.toml:7:8: kind "process" needs framing "message"\n'
            "client.py opens a connection for each request"
        ),
    ),
    "too many processes": (
        ("[load]", '[load]\nkind = "process"\nclients = 600'),
        (
            'e.toml:7:11: clients 600 is above 512, the most for kind "process"\n'
            "each client is a process of its own"
        ),
    ),
    "exclude that matches nothing": (
        ('title = "t"', 'title = "t"\nexclude = [{ n = 7 }]'),
        "e.toml:2:12: exclude { n = 7 } matches no cell\nn is 1",
    ),
    "exclude that is empty": (
        ('title = "t"', 'title = "t"\nexclude = [{}]'),
        "e.toml:2:12: exclude matches every cell: it is empty",
    ),
    "nothing left": (
        ('title = "t"', 'title = "t"\nexclude = [{ n = 1 }]'),
        "e.toml:3:3: no cell is left to measure\nexclude fewer cells",
    ),
    "too many cells": (
        ("[server]", f"n = {list(range(35))}\nclients = {list(range(1, 101))}\n[server]"),
        (
            "e.toml:2:3: the matrix makes 7000 cells; 5000 are allowed\n"
            "give fewer values, or split the file"
        ),
    ),
    "too many trials": (
        ("[server]", f"n = {list(range(10))}\n[plan]\nblocks = 9999\n[server]"),
        (
            "e.toml:6:10: 20 cells in 9999 blocks are 199980 trials\n"
            "100000 are allowed: give fewer blocks"
        ),
    ),
    # Claims
    "claim with an axis left free": (
        ("[server]\n[load]\n", "n = [1, 2]" + CLAIM),
        (
            'e.toml:7:9: { backend = "py-mt" } selects 2 cells; left free: n (1, 2)\n'
            "add n to this side, or to where"
        ),
    ),
    "claim about a value that is not there": (
        ("[load]", "[load]" + CLAIM + "where = { n = 7 }"),
        'e.toml:11:15: no cell has { backend = "py-mt", n = 7 }\nn is 1',
    ),
    "claim about a backend that is not there": (
        ("[load]", "[load]" + CLAIM.replace("py-mt", "c-mt")),
        (
            'e.toml:8:21: no cell has { backend = "c-mt" }\n'
            'did you mean "py-mt"? backend is py-sync or py-mt'
        ),
    ),
    "claim about values that do not meet": (
        (
            "[server]\n[load]\n",
            'n = 1\n[[matrix]]\nbackend = "c-mt"\nn = 2'
            + CLAIM.replace('"py-mt"', '"c-mt", n = 1'),
        ),
        'e.toml:10:9: no cell has { backend = "c-mt", n = 1 }\nwith { backend = "c-mt" }, n is 2',
    ),
    "claim that compares a cell with itself": (
        ("[load]", "[load]" + RATIO.replace("py-sync", "py-mt")),
        "e.toml:8:9: both sides are the same cell: py-mt\na ratio compares two cells",
    ),
    "key in where and in a side": (
        ("[load]", "[load]" + CLAIM + 'where = { backend = "py-mt" }'),
        "e.toml:8:21: backend stands in `where` and in this side\nkeep one of them",
    ),
    "claim without a bound": (
        ("[load]", "[load]" + CLAIM.replace("below = 1.1", "")),
        (
            "e.toml:6:3: the claim has no bound\n"
            "give one of above = 1.3, below = 1.1, within = [0.95, 1.05]"
        ),
    ),
    "claim with two bounds": (
        ("[load]", "[load]" + CLAIM + "above = 1.0"),
        (
            "e.toml:10:1: above and below are both given\n"
            "give one of above = 1.3, below = 1.1, within = [0.95, 1.05]"
        ),
    ),
    "claim without a side": (
        ("[load]", "[load]" + CLAIM.replace('value = { backend = "py-mt" }', "")),
        (
            "e.toml:6:3: the claim has no ratio, no value and no crossover\n"
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
            'value = { backend = "py-mt" }'
        ),
    ),
    "claim with ratio and value": (
        ("[load]", "[load]" + RATIO + 'value = { backend = "py-mt" }'),
        (
            "e.toml:11:1: ratio and value are both given\n"
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
            'value = { backend = "py-mt" }'
        ),
    ),
    "ratio of one": (
        ("[load]", "[load]" + RATIO.replace(', { backend = "py-sync" }', "")),
        "e.toml:8:9: ratio must be a list of two: [A, B]",
    ),
    "empty range": (
        ("[load]", "[load]" + CLAIM.replace("below = 1.1", "within = [2, 1]")),
        "e.toml:10:10: within is empty: its first number is not below its second",
    ),
    "time without a unit": (
        ("[load]", "[load]" + CLAIM.replace("cores", "p99")),
        'e.toml:10:9: below needs a unit, since p99 has one\nwrite for example below = "5ms"',
    ),
    "size for a time": (
        ("[load]", "[load]" + CLAIM.replace("cores", "p99").replace("1.1", '"5MiB"')),
        'e.toml:10:9: below "5MiB" is no measure of p99\nunits: ns, us, µs, μs, ms, s, min, h',
    ),
    "unit where there is none": (
        ("[load]", "[load]" + CLAIM.replace("1.1", '"5ms"')),
        'e.toml:10:9: below of cores is a number without unit, not "5ms"\nwrite below = 1.1',
    ),
    "unit of a ratio": (
        ("[load]", "[load]" + RATIO.replace("1.3", '"5ms"')),
        'e.toml:10:9: above of a ratio is a number without unit, not "5ms"\nwrite above = 1.3',
    ),
    "ratio bound of zero": (
        ("[load]", "[load]" + RATIO.replace("1.3", "0")),
        "e.toml:10:9: above 0 is no bound: it must be above 0",
    ),
    "bound that is no number": (
        ("[load]", "[load]" + RATIO.replace("1.3", "nan")),
        "e.toml:10:9: above nan is no bound: it must be above 0",
    ),
    "bound that is a truth": (
        ("[load]", "[load]" + RATIO.replace("1.3", "true")),
        "e.toml:10:9: above must be a number, or text with a unit, not true or false",
    ),
    "two claims of one name": (
        ("[load]", "[load]" + CLAIM + CLAIM),
        (
            'e.toml:13:8: another claim has the id "c" too\n'
            'give each claim an id of its own: id = "..."'
        ),
    ),
    "latency of a process": (
        (
            "[load]",
            '[load]\nkind = "process"' + CLAIM.replace("cores", "p99").replace("1.1", '"1s"'),
        ),
        (
            'e.toml:10:10: kind "process" has no p99\n'
            "it has wall, throughput, cores, cpu_per_request"
        ),
    ),
    "wall time of a fixed duration": (
        ("[load]", "[load]" + CLAIM.replace("cores", "wall").replace("1.1", '"1s"')),
        (
            "e.toml:9:10: wall says nothing of py-mt: its load lasts as long as the file says\n"
            "give requests instead of a duration, or use throughput"
        ),
    ),
    # Servers of the user's own
    "command as one text": (
        ("[load]", OWN.replace('["./my_server", "--threads", "4", "{port}"]', '"./my {port}"')),
        (
            "e.toml:7:11: command must be a list of arguments, not one text; there is no shell\n"
            'write command = ["./my_server", "{port}"]'
        ),
    ),
    "command without the port": (
        ("[load]", OWN.replace('"{port}"', '"2999"')),
        (
            "e.toml:7:11: command lacks {port}\n"
            'the server must be told its port: command = ["./my_server", "{port}"]'
        ),
    ),
    "command with a NUL": (
        ("[load]", OWN.replace("threads", "\\u0000")),
        "e.toml:7:11: command contains a NUL character\nno program can be given one",
    ),
    "command missing": (
        ("[load]", "[backends.mine]"),
        (
            "e.toml:5:11: command is missing in [backends.mine]\n"
            'add command = ["./my_server", "{port}"]'
        ),
    ),
    "name of ours": (
        ("[load]", OWN.replace("mine", "py-mt")),
        'e.toml:6:11: backend "py-mt" is one of fibench\'s own\ngive your server another name',
    ),
    "own server under an impossible name": (
        ("[load]", OWN.replace("mine", '"../mine"')),
        (
            'e.toml:6:11: backend "../mine" is not allowed as a name\n'
            "allowed: 1 to 64 of a-z, 0-9, '.', '_', '-'"
        ),
    ),
    "own server that serves none": (
        ("[load]", OWN + "serves = 0"),
        'e.toml:8:10: serves must be "any" or the number of connections served at once',
    ),
    "framing that an own server does not speak": (
        ('"py-mt"]\n[server]', '"mine"]' + OWN + '[server]\nframing = "line"'),
        'e.toml:3:23: mine does not speak framing "line"\nit speaks message',
    ),
    # What is no TOML
    "unquoted text": (
        ('["py-sync", "py-mt"]', "py-mt"),
        'e.toml:3:11: not TOML: invalid value\ntext needs quotes: backend = "py-mt"',
    ),
    "key twice": (
        ('title = "t"', 'title = "t"\ntitle = "u"'),
        "e.toml:2:12: not TOML: cannot overwrite a value\na key is given twice: keep one of them",
    ),
    "list without an end": (
        ('"py-mt"]\n[server]\n[load]\n', '"py-mt"'),
        "e.toml:3:30: not TOML: unclosed array\na list ends with ]",
    ),
}


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_fault_is_explained(name: str) -> None:
    (right, wrong), expected = DIAGNOSTICS[name]
    assert right in SMALL

    assert faults(SMALL.replace(right, wrong, 1)) == [expected]


def test_all_faults_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = (
        GIL.replace('"py-mt", "py-async"', '"py-mtt", "py-async"')
        .replace("2999", "70000")
        .replace("clients = 8", "client = 8")
        .replace("where = { n = 27 }", "where = { n = 26 }")
        .replace('metric = "cores"', 'metric = "core"')
    )

    assert [fault.split("\n")[0] for fault in faults(text)] == [
        'e.toml:5:32: unknown backend "py-mtt"',
        "e.toml:13:8: port 70000 is outside 1 to 65535",
        'e.toml:17:1: unknown key "client" in [load]',
        'e.toml:30:15: no cell has { backend = "py-mp", n = 26 }',
        'e.toml:37:10: metric "core" is unknown',
    ]


def test_a_fault_does_not_bring_others_that_only_follow_from_it() -> None:
    assert len(faults(GIL.replace('"py-mt", "py-async"', '"py-mtt", "py-async"'))) == 1
    assert len(faults(GIL.replace("clients = 8", "client = 8\nthreads = 4"))) == 1
    assert len(faults(GIL.replace("n = 27  ", 'n = "27"  '))) == 1


DEEP = "an experiment is a few levels deep: is this one?"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a = 1\nb = \xff\n", "e.toml:2:5: byte 0xff is not UTF-8\nsave it as UTF-8"),
        (b"\xff\xfet\x00", "e.toml:1:1: byte 0xff is not UTF-8\nsave it as UTF-8"),
        (b"a = 1\n\0", "e.toml:2:1: the file contains a NUL byte\nis this a text file?"),
        (b"a = " + b"[" * 90_000, f"e.toml:1:37: values are nested more than 32 deep\n{DEEP}"),
        (b"a" + b".a" * 90_000, f"e.toml:1:32: a key has more than 16 parts\n{DEEP}"),
        (
            b"a = " + b"9" * 5000,
            "e.toml:1:5: a number has too many digits\nno key takes more than 19",
        ),
        (b"#" * 300_000, "e.toml: is larger than 256 KiB\nis this an experiment?"),
    ],
    ids=["not UTF-8", "UTF-16", "NUL", "nested", "dotted", "digits", "large"],
)
def test_bytes_that_are_no_experiment_are_explained(data: bytes, expected: str) -> None:
    assert faults(data) == [expected]


def test_an_empty_file_lacks_title_and_matrix() -> None:
    assert [fault.split("\n")[0] for fault in faults("")] == [
        "e.toml:1:1: title is missing",
        "e.toml:1:1: matrix is missing",
    ]


def parsed_or_explained(data: bytes) -> None:
    found = faults(data)

    assert all(fault.startswith("e.toml") for fault in found)
    if not found:
        assert parse(data).cells


@given(st.binary(max_size=200))
@example(b"matrix = 1")
@example(b"[[claim]]\n[[matrix]]\n[server.port]")
@example(b"backends = 1\nclaim = [1]\nmatrix = [[]]\nexclude = 5\ntitle = []")
def test_any_bytes_are_parsed_or_explained(data: bytes) -> None:
    parsed_or_explained(data)


TOKENS = st.sampled_from(
    [
        *(word.encode() for word in GIL.split()), b"[", b"]", b"{", b"}", b'"', b"=", b"\n", b"-1",
        b"1e999", b"nan", b"0x" + b"f" * 40, b"[[", b"]]", b"true", b"1979-05-27", b'"\\u0000"',
        b"{}", b"[]", b"''", b"\xff", b"exclude", b"[backends.x]", b"backends", b"command",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(GIL)), st.integers(0, 12), TOKENS), max_size=4))
def test_a_valid_file_changed_anyhow_is_parsed_or_explained(
    edits: list[tuple[int, int, bytes]],
) -> None:
    data = GIL.encode()
    for at, removed, token in edits:
        data = data[:at] + token + data[at + removed :]

    parsed_or_explained(data)


WORDS = [word for word in GIL.split() if word not in ("=", "#")]


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.sampled_from(["7", '"x"', "[]", "{}", "true", "[[1]]", "0.5"]))
def test_any_value_of_a_wrong_type_is_explained(seed: int, value: str) -> None:
    lines = GIL.split("\n")
    assignments = [at for at, line in enumerate(lines) if " = " in line and line[0] != "#"]
    at = random.Random(seed).choice(assignments)
    lines[at] = f"{lines[at].split(' = ')[0]} = {value}"

    parsed_or_explained("\n".join(lines).encode())


def labels(experiment: Experiment) -> list[str]:
    return [cell.label for cell in experiment.cells]


def test_options_replace_keys_wherever_they_stand() -> None:
    changed = parse(
        GIL,
        {"clients": "4", "n": "20", "port": "4000", "blocks": "3", "duration": "2s", "seed": "9"},
    )

    assert (changed.plan.blocks, changed.plan.seed) == (3, 9)
    for cell in changed.cells:
        asked = cell.parameters
        assert (asked.clients, asked.n, asked.port, asked.duration) == (4, 20, 4000, 2.0)
    assert len(changed.cells) == 7, "the tables of the matrix may overlap now"


def test_several_values_of_an_option_become_an_axis() -> None:
    assert labels(parse(SMALL + "clients = 8", {"clients": "1, 2"})) == [
        "py-sync clients=1",
        "py-sync clients=2",
        "py-mt clients=1",
        "py-mt clients=2",
    ]


def test_a_backend_option_selects_or_adds() -> None:
    assert labels(parse(GIL, {"backend": "c-mt"})) == ["c-mt"]
    assert labels(parse(GIL, {"backend": "c-sync"})) == ["c-sync n=27", "c-sync n=34"]
    assert labels(parse(GIL, {"backend": "c-mt-pool"})) == ["c-mt-pool n=27", "c-mt-pool n=34"]


def test_requests_as_an_option_replace_the_duration() -> None:
    cell = parse(GIL, {"requests": "100"}).cells[0]

    assert (cell.parameters.requests, cell.parameters.duration) == (100, None)


def test_claims_whose_cells_an_option_removes_are_left_out_and_listed() -> None:
    changed = parse(GIL, {"backend": "py-mt"})

    assert [claim.says for claim in changed.claims] == ["The GIL is why: threads use one core"]
    assert [(claim.says, claim.reason) for claim in changed.dropped_claims] == [
        (
            "Multiprocess beats threads when the work is CPU-bound Python",
            'no cell has { backend = "py-mp", n = 27 }',
        )
    ]


OPTION_FAULTS = [
    ({"clients": "0"}, "--clients 0: clients 0 is outside 1 to 20000"),
    ({"clients": "12x"}, '--clients 12x: "12x" is not a whole number'),
    ({"clients": "1,,2"}, "--clients 1,,2: a value is empty\nseparate values by single commas"),
    ({"port": "70000"}, "--port 70000: port 70000 is outside 1 to 65535"),
    ({"port": "1,2"}, "--port 1,2: takes one value"),
    ({"blocks": "0"}, "--blocks 0: blocks 0 is outside 1 to 10000"),
    ({"backend": "c-mtt"}, '--backend c-mtt: unknown backend "c-mtt"\ndid you mean "c-mt"?'),
    (
        {"duration": "2"},
        '--duration 2: duration "2" is no duration\nwrite a number and a unit: "0.7s", "200ms"',
    ),
    (
        {"n": "40"},
        ('--n 40: n 40 is above max_n 34: the reply would be "out of range"\n'
        "write max_n = 40 in [server]"),
    ),
    (
        {"requests-per-connection": "5"},
        ('--requests-per-connection 5: requests_per_connection 5 needs framing = "line"\n'
        'with "message" each connection carries one request'),
    ),
    ({"n": "1,1"}, "--n 1,1: n 1 is given twice\nremove one of them"),
    ({"zipf": "1"}, ("--zipf 1: there is no such option\nvalid: backend, interpreter, port, host, "
     "framing, workers, io_wait, backlog, idle_timeout, max_connections, max_n, "
     "switch_interval, … (29 in all)")),
    ({"max_n": "20"}, ('--max-n 20: n 34 is above max_n 20: the reply would be "out of range"\n'
     "write max_n = 34 in [server]")),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "expected"), OPTION_FAULTS)
def test_a_fault_of_an_option_names_the_option(overrides: dict[str, str], expected: str) -> None:
    assert expected in faults(GIL, overrides)


@given(st.dictionaries(st.sampled_from(["clients", "backend", "n", "duration", "x"]), st.text()))
def test_any_option_is_taken_or_explained(overrides: dict[str, str]) -> None:
    assert all(fault.startswith("--") for fault in faults(GIL, overrides))


def test_a_fault_of_the_file_is_reported_before_options_are_applied() -> None:
    assert faults(SMALL + "client = 8", {"clients": "1"}) == [
        'e.toml:6:1: unknown key "client" in [load]\ndid you mean "clients"?'
    ]


def folder_with(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "experiments"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(SMALL, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["experiments/gil.toml", "gil.toml", "gil"])
def test_an_experiment_is_found_by_each_of_its_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path, "gil.toml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    assert find_experiment(name, folder).samefile(folder / "gil.toml")
    assert find_experiment(name, [elsewhere, folder]).samefile(folder / "gil.toml")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "gil.toml")
    own = tmp_path / "own.toml"
    own.write_text(SMALL, encoding="utf-8")

    assert find_experiment(str(own), folder) == own


def test_an_unknown_experiment_names_the_near_ones(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "gil.toml", "course.toml")

    with pytest.raises(ExperimentError) as caught:
        find_experiment("gli", folder)

    assert str(caught.value) == (
        'gli: there is no such experiment\ndid you mean "gil"? there are: course, gil'
    )


@pytest.mark.parametrize("name", ["", " ", "\0", "a\0b"])
def test_no_name_is_no_experiment(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="no experiment is named"):
        find_experiment(name, tmp_path)


def unreadable(path: Path) -> str:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, KNOWN)
    return caught.value.diagnostics[0].what


def test_files_that_cannot_be_read_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "loop.toml").symlink_to("loop.toml")

    assert unreadable(tmp_path) == "is a folder"
    assert unreadable(tmp_path / "none.toml") == "cannot be read: no such file or directory"
    assert unreadable(tmp_path / "fifo.toml") == "is not a regular file"
    assert unreadable(tmp_path / "loop.toml") == "cannot be read: too many levels of symbolic links"
    assert unreadable(tmp_path / "a\0b.toml") == "cannot be read: embedded null byte"


@pytest.mark.plain_user
def test_a_file_without_permission_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    path = folder_with(tmp_path, "gil.toml") / "gil.toml"
    monkeypatch.setattr(
        "fibench.document.text._open_without_waiting", refuse
    )  # root may read anything

    assert unreadable(path) == "cannot be read: permission denied"


def test_a_file_is_loaded_and_called_by_its_path_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder_with(tmp_path, "gil.toml") / "gil.toml"
    assert len(load_experiment(path, KNOWN).cells) == 2
    path.write_text("titel = 1", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ExperimentError, match=r"(?m)^experiments/gil\.toml:1:1: unknown key"):
        load_experiment(path, KNOWN)
