# SPDX-License-Identifier: BSD-3-Clause
"""The open loop: requests are due on schedule, and what users would see is what is told."""

import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LIMIT_S, Answer, Program, running, total
from .estimator import check_percentiles
from .servers import ASK_30, Action, serving

# What holds only where nobody holds up the server or the generator.
UNDISTURBED = pytest.mark.serial

LINE = ("--framing", "line")
ECHO = (*LINE, "--request", "1", "--expect", "1")


@pytest.fixture(scope="module")
def echo_port(programs: Path) -> Iterator[int]:
    """The port of a server that answers at once."""
    with running(programs / "bare_echo", is_hurried=True) as (port, _):
        yield port


# --- What is due, and when -------------------------------------------------------------------


@UNDISTURBED
@pytest.mark.parametrize(
    ("arrivals", "rate", "duration_s"),
    [
        ("uniform", 100, 1.5),
        ("poisson", 1000, 0.5),
        ("uniform", 10_000, 0.5),
        ("poisson", 10_000, 0.5),
        pytest.param("poisson", 100, 1.5, marks=pytest.mark.long),
        pytest.param("uniform", 1000, 0.5, marks=pytest.mark.long),
    ],
)
def test_what_is_offered_is_due_and_sent(
    hurried_fibload: Program, echo_port: int, arrivals: str, rate: int, duration_s: float
) -> None:
    answer = hurried_fibload.load(
        echo_port, *ECHO, "--clients", "64", "--rate", str(rate), "--arrivals", arrivals,
        "--duration", str(duration_s),
    )  # fmt: skip
    assert answer.status == 0
    loop = answer.report["open_loop"]
    offered = rate * duration_s
    # The number of Poisson arrivals varies by its root; uniform ones are as many as they should be.
    spread = 1 if arrivals == "uniform" else 4 * math.sqrt(offered)
    assert abs(loop["due"] - offered) <= spread
    assert 0.99 * loop["due"] <= loop["sent"] <= loop["due"]
    assert answer.report["window"]["ok"] >= 0.99 * loop["due"]
    assert answer.report["latency"]["clock"] == "intended"
    check_percentiles(answer)


def test_the_same_seed_is_the_same_schedule(fibload: Program, echo_port: int) -> None:
    due = {
        seed: [
            fibload.load(
                echo_port, *ECHO, "--clients", "8", "--threads", "2", "--rate", "2000",
                "--seed", seed, "--duration", "0.25",
            ).report["open_loop"]["due"]
            for _ in range(2)
        ]
        for seed in ("1", "2")
    }  # fmt: skip
    assert due["1"][0] == due["1"][1]
    assert due["2"][0] == due["2"][1]
    assert due["1"] != due["2"]


def test_threads_share_the_rate(fibload: Program, echo_port: int) -> None:
    answer = fibload.load(
        echo_port, *ECHO, "--clients", "9", "--threads", "3", "--rate", "1000",
        "--arrivals", "uniform", "--duration", "0.5",
    )  # fmt: skip
    assert answer.report["open_loop"]["due"] == 500
    assert answer.report["clients"]["answered"] == 9


def test_more_threads_than_clients_of_a_group_do_not_add_load(
    fibload: Program, echo_port: int
) -> None:
    answer = fibload.load(
        echo_port, *ECHO, "--threads", "3", "--arrivals", "uniform", "--duration", "0.5",
        "--group", "name=one,clients=1,rate=400", "--group", "name=two,clients=2,rate=600",
    )  # fmt: skip
    assert [group["open_loop"]["due"] for group in answer.report["groups"]] == [200, 300]
    assert answer.report["open_loop"]["offered_per_s"] == 1000


def test_settings_of_an_open_loop_are_told(fibload: Program, echo_port: int) -> None:
    answer = fibload.load(
        echo_port, *ECHO, "--rate", "250.125", "--arrivals", "uniform", "--spin",
        "--max-overdue", "77", "--duration", "0.1",
    )  # fmt: skip
    settings = answer.report["settings"]
    assert settings["rate_per_s"] == 250.125
    assert settings["arrivals"] == "uniform"
    assert settings["spin"] is True
    assert settings["max_overdue"] == 77
    assert answer.report["open_loop"]["offered_per_s"] == 250.125


@UNDISTURBED
def test_warm_up_requests_are_started_and_not_measured(fibload: Program, echo_port: int) -> None:
    answer = fibload.load(
        echo_port, *ECHO, "--rate", "1000", "--arrivals", "uniform", "--warmup", "0.3",
        "--duration", "0.5",
    )  # fmt: skip
    loop = answer.report["open_loop"]
    assert abs(loop["due"] - 500) <= 1
    # The window opens when the warm-up is over and the thread that opens it has noticed.
    assert 800 <= answer.counts["started"] <= 900


def test_a_number_of_requests_ends_an_open_loop(fibload: Program, echo_port: int) -> None:
    answer = fibload.load(
        echo_port, *ECHO, "--clients", "4", "--threads", "2", "--rate", "2000", "--requests", "300"
    )
    assert answer.status == 0
    assert answer.report["window"]["ok"] == 300


def test_an_interrupted_open_loop_tells_what_it_has(fibload: Program, echo_port: int) -> None:
    answer = fibload.load(echo_port, *ECHO, "--rate", "500", "--duration", "20", interrupt=True)
    assert answer.status == 130
    assert answer.report["interrupted"] is True


# --- Lag -------------------------------------------------------------------------------------


def check_lag(answer: Answer) -> None:
    """Hold the lag to what it is on a machine that may be busy: the 99th percentile is not."""
    lag = answer.report["open_loop"]["lag"]
    assert lag["count"] == answer.report["open_loop"]["due"]
    assert 0 < lag["p50_ns"] <= lag["p99_ns"] <= lag["max_ns"]


@UNDISTURBED
def test_the_lag_of_the_generator_is_told_apart(hurried_fibload: Program, echo_port: int) -> None:
    answer = hurried_fibload.load(
        echo_port, *ECHO, "--clients", "16", "--rate", "1000", "--duration", "0.5"
    )
    check_lag(answer)
    assert answer.report["open_loop"]["lag"]["p50_ns"] < 100_000


@UNDISTURBED
def test_spinning_is_never_asleep(fibload: Program, echo_port: int) -> None:
    answer = fibload.load(
        echo_port, *ECHO, "--clients", "16", "--rate", "1000", "--duration", "0.4", "--spin"
    )
    check_lag(answer)
    generator = answer.report["generator"]
    used_ns = generator["cpu_user_ns"] + generator["cpu_system_ns"]
    assert used_ns > 0.1 * generator["wall_ns"]  # far more than 1000 requests need


@UNDISTURBED
@pytest.mark.needs("strace")
def test_a_kernel_without_epoll_pwait2_is_no_hindrance(fibload: Program, echo_port: int) -> None:
    ended = subprocess.run(
        [
            "strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=epoll_pwait2",
            "-e", "inject=epoll_pwait2:error=ENOSYS", fibload.path, *ECHO,
            "--rate", "500", "--arrivals", "uniform", "--duration", "0.5", str(echo_port),
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["open_loop"]["due"] == 250
    assert report["open_loop"]["lag"]["p50_ns"] < 10_000_000


@UNDISTURBED
def test_lag_counts_also_while_no_client_is_free(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "2", "--rate", "500",
            "--arrivals", "uniform", "--duration", "0.5",
        )  # fmt: skip
    loop = answer.report["open_loop"]
    assert loop["lag"]["count"] == loop["due"] == 250
    assert loop["lag"]["p50_ns"] < 100_000_000 < answer.report["latency"]["censored"]["max_ns"]


# --- The truth -------------------------------------------------------------------------------


def stalled_percentile(percent: float, every_s: float, stall_s: float, rate: int) -> float:
    """The true percentile, in seconds, of evenly spaced requests over whole periods."""
    times_s = (i / rate for i in range(int(every_s * rate)))
    latencies = sorted(every_s - t if t >= every_s - stall_s else 0.0 for t in times_s)
    return latencies[math.ceil(percent / 100 * len(latencies)) - 1]


@UNDISTURBED
def test_stalls_are_seen_by_the_open_loop_and_not_by_the_closed_one(
    hurried_fibload: Program, fibload: Program, programs: Path
) -> None:
    truth_s = stalled_percentile(90, 1.0, 0.25, 500)
    assert truth_s == pytest.approx(0.15, rel=0.02)
    stalls = ("--every", "1000", "--stall", "250")
    with running(programs / "stall_server", *stalls, is_hurried=True) as (port, _):
        opened = hurried_fibload.load(
            port, *LINE, "--clients", "8", "--duration", "2", "--rate", "500",
            "--arrivals", "uniform",
        )  # fmt: skip
        closed = fibload.load(port, *LINE, "--clients", "8", "--duration", "1")
    assert opened.status == closed.status == 0
    assert opened.report["latency"]["p90_ns"] == pytest.approx(truth_s * 1e9, rel=0.1)
    assert opened.report["latency"]["max_ns"] >= 0.245e9
    # Each of its clients met the stall once, among thousands of requests that were none.
    assert closed.report["latency"]["p90_ns"] < truth_s * 1e9 / 20
    check_percentiles(opened)


@UNDISTURBED
def test_percentiles_are_those_of_a_known_distribution(
    hurried_fibload: Program, programs: Path
) -> None:
    # The exponential distribution in 451 steps: p50, p99 and p99.9 fall into the middle of one.
    # The window has each of them some ten times.
    mean_ms, steps = 30.0, 451
    delays = [-math.log(1 - (i + 0.5) / steps) * mean_ms for i in range(steps)]
    shuffled = [delays[(i * 277) % steps] for i in range(steps)]
    words = ",".join(f"{delay:.6f}" for delay in shuffled)
    with running(programs / "delay_server", "--delays", words, is_hurried=True) as (port, _):
        answer = hurried_fibload.load(
            port, *LINE, "--clients", "500", "--rate", "2000", "--warmup", "0.3",
            "--duration", f"{10 * steps / 2000:.3f}",
        )  # fmt: skip
    assert answer.status == 0
    for name, percent in (("p50_ns", 50), ("p99_ns", 99), ("p999_ns", 99.9)):
        truth_ns = delays[math.ceil(percent / 100 * steps) - 1] * 1e6
        assert abs(answer.report["latency"][name] - truth_ns) <= 0.02 * truth_ns + 50_000, name
    check_percentiles(answer)


def test_waiting_for_a_client_is_part_of_the_latency(fibload: Program, programs: Path) -> None:
    # One client and 20 ms a reply: 50 of 100 requests per second, and a backlog that grows.
    with running(programs / "delay_server", "--delays", "20") as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "1", "--rate", "100", "--arrivals", "uniform",
            "--duration", "2",
        )  # fmt: skip
    assert answer.status == 0
    loop, latency = answer.report["open_loop"], answer.report["latency"]
    assert loop["due"] == answer.counts["started"] == 200
    assert loop["sent"] <= 100 <= loop["overdue_at_end"] + 10
    # The k-th reply comes at 20 k ms to a request that was due at 10 k ms, so replies are spread
    # evenly over ages up to a second, and so are those who wait at the end: S(t) = sqrt(1 - t). The
    # replies alone would have a median of half a second. A busy machine makes it longer.
    assert latency["max_ns"] >= 0.9e9
    assert latency["p50_ns"] >= 0.7e9
    assert latency["p90_ns"] is None or latency["p90_ns"] >= 0.9e9
    check_percentiles(answer)


# --- Censoring -------------------------------------------------------------------------------


def test_a_server_that_falls_silent_does_not_look_fast(fibload: Program) -> None:
    with serving(line=True, actions=[Action.ANSWER] * 100 + [Action.SILENT] * 10_000) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "4", "--rate", "800", "--duration", "1"
        )
    latency = answer.report["latency"]
    assert answer.counts["ok"] == 100
    assert latency["censored"]["count"] == answer.counts["started"] - 100
    assert latency["p99_ns"] is None
    assert latency["max_ns"] >= 0.3e9
    assert answer.status == 0  # its clients had been answered before, and none has given up
    check_percentiles(answer)


OLDER = (*LINE, "--clients", "100", "--rate", "200", "--arrivals", "uniform", "--warmup", "0.3")
"""Half of its requests take 150 ms and half 250 ms, so that at any time at least 30 are under way;
not many more than 40 are where nothing else runs."""


def test_requests_from_before_the_window_enter(fibload: Program, programs: Path) -> None:
    with running(programs / "delay_server", "--delays", "150,250") as (port, _):
        answer = fibload.load(port, *OLDER, "--duration", "0.5")
    latency = answer.report["latency"]
    assert total(latency["entered"]["counts"]) >= 30
    assert latency["censored"]["count"] + latency["late"]["count"] >= 30
    check_percentiles(answer)


@UNDISTURBED
def test_requests_from_before_the_window_enter_with_their_age(
    hurried_fibload: Program, programs: Path
) -> None:
    with running(programs / "delay_server", "--delays", "150,150,250", is_hurried=True) as (
        port,
        _,
    ):
        answer = hurried_fibload.load(port, *OLDER, "--duration", "1")
    latency = answer.report["latency"]
    assert 30 <= total(latency["entered"]["counts"]) <= 50
    assert latency["censored"]["count"] + latency["late"]["count"] >= 30
    assert latency["p50_ns"] == pytest.approx(0.15e9, rel=0.2)
    assert latency["p99_ns"] == pytest.approx(0.25e9, rel=0.2)
    check_percentiles(answer)


@UNDISTURBED
def test_the_backlog_does_not_make_requests_too_old(fibload: Program, programs: Path) -> None:
    # Requests wait for a client for longer than the time-out, which runs from when they are sent.
    with running(programs / "delay_server", "--delays", "20") as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "1", "--rate", "1000", "--timeout", "0.3", "--duration", "0.6"
        )
    assert answer.status == 0
    assert answer.counts["timeout"] == 0
    assert answer.report["latency"]["max_ns"] > 0.5e9
