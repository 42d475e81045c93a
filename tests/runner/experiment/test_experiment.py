# SPDX-License-Identifier: BSD-3-Clause
"""An experiment file is understood as meant, or each of its faults is explained."""

from pathlib import Path

import pytest
from tests.runner.experiments import CLAIM, GIL, KNOWN, OWN, SMALL, parse

from fibench.experiment import OwnBackend, parse_experiment
from fibench.parameters import Blocks


def test_the_example_is_understood() -> None:
    experiment = parse(GIL)

    assert experiment.title == "Threads cannot speed up CPU-bound Python; processes can"
    assert (experiment.plan.blocks, experiment.plan.seed) == (Blocks(10, 10), 7)
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

    assert (experiment.plan.blocks, experiment.plan.seed) == (Blocks(6, 20), None)
    assert parameters.as_json() == {
        "backend": "c-mt", "interpreter": None, "port": None, "host": "127.0.0.1",
        "framing": "message", "workers": None, "io_wait": 0.0, "backlog": 4096,
        "idle_timeout": 60.0,
        "max_connections": 65536, "max_n": 34, "switch_interval": None, "kind": "fibload",
        "clients": 1, "n": 1, "duration": 1.0, "requests": None, "warmup": "auto", "pipeline": 1,
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
