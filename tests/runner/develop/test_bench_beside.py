# SPDX-License-Identifier: BSD-3-Clause
"""fibload beside wrk and redis-benchmark: what is asked, of whom, and what is compared.

It is never a test whether a promise is kept: a busy machine is no defect.
"""

from pathlib import Path

import pytest

from fibench.develop.bench import beside, rivals
from fibench.develop.bench.measuring import BenchError, Measured, Told, measure, split_desk
from fibench.develop.bench.rounds import Effort

INSTALLED = {"nginx", "wrk", "redis-server", "redis-benchmark"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is installed, as long as the test goes on; it may be changed."""
    there = set(INSTALLED)

    def find(name: str) -> str | None:
        return f"/somewhere/{name}" if name in there else None

    monkeypatch.setattr(rivals, "find_program", find)
    return there


@pytest.mark.parametrize(
    ("missing", "pairs"),
    [
        (set(), {beside.WRK, beside.HTTP, beside.REDIS, beside.RESP}),
        ({"wrk"}, {beside.REDIS, beside.RESP}),
        ({"redis-server"}, {beside.WRK, beside.HTTP}),
        ({"nginx", "redis-benchmark"}, set()),
    ],
)
def test_a_pair_is_measured_as_a_whole_or_not_at_all(
    tmp_path: Path, installed: set[str], missing: set[str], pairs: set[str]
) -> None:
    installed -= missing
    desk = split_desk(tmp_path, tmp_path)
    assert set(beside.pairs(desk, 64, 1.0)) == pairs


def test_both_of_a_pair_meet_the_same_server(tmp_path: Path, installed: set[str]) -> None:
    pairs = beside.pairs(split_desk(tmp_path, tmp_path), 64, 1.0)
    assert pairs[beside.WRK].server == pairs[beside.HTTP].server
    assert pairs[beside.REDIS].server == pairs[beside.RESP].server
    (config,) = pairs[beside.WRK].server.files.values()
    assert f'return 200 "{beside.BODY}";' in config


def test_where_nothing_is_installed_that_is_said_by_name(
    tmp_path: Path, installed: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    installed.clear()
    assert beside.print_beside(tmp_path, Effort())
    said = capsys.readouterr().out
    assert all(f"{name}: not here: not installed" in said for name in INSTALLED)


def test_the_cost_of_a_load_is_that_of_its_whole_life() -> None:
    """Requests of the warm-up count, where they are told of."""
    told = Told(1000, 1.0, document={"counts": {"ok": 1300}})
    assert beside.load_cost_ns(Measured(told, 1, None, load_used_s=0.0013)) == pytest.approx(1000)
    assert beside.load_cost_ns(Measured(Told(500, 1.0), 1, None, load_used_s=1e-6)) == 2
    with pytest.raises(BenchError, match="CPU time"):
        beside.load_cost_ns(Measured(told, 1, None))


@pytest.mark.needs("nginx", "wrk", "redis-server", "redis-benchmark")
def test_each_load_measures_its_server(programs: Path, tmp_path: Path) -> None:
    desk = split_desk(programs, tmp_path)
    for name, subject in beside.pairs(desk, 1, 0.25).items():
        once = measure(subject.server, subject.load, desk)
        assert once.told.requests > 0, name
        assert beside.load_cost_ns(once) > 0, name
