# SPDX-License-Identifier: BSD-3-Clause
"""Critical values for runs that are looked at after every block."""

import math
import os
import subprocess
import sys
from functools import lru_cache

import numpy as np
import pytest

from fibench.verdict import looks
from fibench.verdict.estimate import from_logs
from fibench.verdict.looks import (
    Looks,
    Paths,
    blocks_needed,
    critical_values,
    seen_from,
    t_of,
    t_quantile,
)

ALPHAS = (0.05, 0.05 / 8, 0.05 / 60)
RUNS = 200_000


def test_no_look_is_earlier_than_the_third_block_nor_later_than_the_last() -> None:
    for least, most in ((2, 20), (20, 6), (0, 0)):
        with pytest.raises(ValueError, match="looks from"):
            Looks(least, most)


def edge_of(t: float, n: int) -> float:
    """The value of R for Student's t of n figures."""
    return t * math.sqrt(n / (t**2 + n - 1))


# The recursion


@pytest.mark.parametrize("least", [3, 6, 10])
def test_without_looks_the_statistic_stays_student_s(least: int) -> None:
    paths = Paths(least)
    while paths.n < 25:
        assert paths.beyond(0.0) == pytest.approx(1.0, abs=1e-5)
        for probability in (0.5, 0.05, 1e-4):
            edge = edge_of(t_quantile(1.0 - probability / 2.0, paths.n - 1), paths.n)
            assert paths.beyond(edge) == pytest.approx(probability, abs=1e-6)
            assert paths.edge(probability) == pytest.approx(edge, rel=1e-4)
        paths.go_on()


@lru_cache(maxsize=1)
def _made_up_t(least: int) -> "dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]]":
    """How far Student's t of made-up runs is from 0 at each look, by its number of blocks."""
    figures = np.random.default_rng([7, least]).standard_normal((RUNS, 20))
    sums, squares = figures.cumsum(axis=1), (figures**2).cumsum(axis=1)
    made = {}
    for n in range(least, 21):
        mean = sums[:, n - 1] / n
        error = np.sqrt((squares[:, n - 1] - n * mean**2) / (n - 1) / n)
        made[n] = np.abs(mean) / error
    return made


@pytest.mark.parametrize("alpha", ALPHAS[:2])
@pytest.mark.parametrize("least", [3, 6, 8])
def test_made_up_runs_leave_at_each_look_as_often_as_is_spent(alpha: float, least: int) -> None:
    found = critical_values(alpha, least, 20)
    made = _made_up_t(least)
    inside = np.ones(RUNS, dtype=bool)
    for n, value in found.items():
        inside &= made[n] <= value
        promised = alpha * (n / 20) ** 2
        chance = math.sqrt(promised * (1.0 - promised) / RUNS)
        assert 1.0 - inside.mean() == pytest.approx(promised, abs=4.5 * chance)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("least", [3, 6, 19])
def test_what_is_spent_adds_up_to_alpha(alpha: float, least: int) -> None:
    paths, spent = Paths(least), 0.0
    for n, value in critical_values(alpha, least, 20).items():
        spent += paths.beyond(edge_of(value, n))
        assert spent == pytest.approx(alpha * (n / 20) ** 2, rel=1e-3)
        paths.go_on(edge_of(value, n))
    assert paths.beyond(0.0) == pytest.approx(1.0 - alpha, abs=1e-5)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("least", "most"), [(3, 20), (6, 20), (6, 60)])
def test_three_digits_are_right_with_so_many_points(
    alpha: float, least: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = critical_values(alpha, least, most)
    monkeypatch.setattr(looks, "_POINTS", 2 * looks._POINTS)
    finer = critical_values.__wrapped__(alpha, least, most)
    assert found == pytest.approx(finer, rel=1e-4)


def _error_of(normal_quantiles: list[float], group: int) -> float:
    """The probability that one of the looks after each group exceeds its quantile.

    As Jennison and Turnbull advise, at each look the quantile of t that is exceeded as often as
    the normal one. Of groups as large as here that is nearly the normal case.
    """
    paths, error = Paths(group), 0.0
    for number, quantile in enumerate(normal_quantiles, start=1):
        while paths.n < number * group:
            paths.go_on()
        tail = 0.5 * math.erfc(quantile / math.sqrt(2.0))
        edge = edge_of(t_quantile(1.0 - tail, paths.n - 1), paths.n)
        error += paths.beyond(edge)
        paths.go_on(edge)
    return error


@pytest.mark.parametrize(
    ("quantiles", "published"),
    [
        ([2.413] * 5, 0.05),  # Pocock 1977
        ([2.040 * math.sqrt(5 / k) for k in range(1, 6)], 0.05),  # O'Brien and Fleming 1979
        ([1.960] * 5, 0.142),  # Armitage, McPherson and Rowe 1969
        ([1.960] * 10, 0.193),
    ],
)
def test_large_groups_err_as_is_printed_for_normal_statistics(
    quantiles: list[float], published: float
) -> None:
    assert _error_of(quantiles, 30) == pytest.approx(published, abs=0.0025)


def test_the_usual_interval_at_every_look_would_be_wrong_in_18_of_100() -> None:
    paths, error = Paths(6), 0.0
    for n in range(6, 21):
        edge = edge_of(t_quantile(0.975, n - 1), n)
        error += paths.beyond(edge)
        paths.go_on(edge)
    assert error == pytest.approx(0.177, abs=0.001)


def test_values_fall_from_look_to_look_rise_with_fewer_errors_and_exceed_one_look_s() -> None:
    tables = [critical_values(alpha, 6, 20) for alpha in ALPHAS]
    for alpha, table in zip(ALPHAS, tables, strict=True):
        values = list(table.values())
        assert list(table) == list(range(6, 21))
        assert values == sorted(values, reverse=True)
        assert table[6] == pytest.approx(t_quantile(1.0 - alpha * 0.09 / 2.0, 5), rel=1e-4)
        assert all(value > t_quantile(1.0 - alpha / 2.0, n - 1) for n, value in table.items())
    for n in range(6, 21):
        assert tables[0][n] < tables[1][n] < tables[2][n]


@pytest.mark.parametrize("t", [0.1, 2.0, 30.0])
@pytest.mark.parametrize("n", [3, 20])
def test_an_edge_is_a_t(t: float, n: int) -> None:
    assert t_of(edge_of(t, n), n) == pytest.approx(t)


def test_the_statistics_of_scipy_are_not_loaded() -> None:
    program = (
        "import sys, fibench.verdict.judging, fibench.verdict.looks as l\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('scipy', 'numpy')]\n"
        "l.critical_values(0.05, 6, 20)\n"
        "assert 'scipy.stats' not in sys.modules\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


# What an interval is made with


def test_a_fixed_number_of_blocks_has_student_s_intervals_with_fewer_blocks_too() -> None:
    fixed = Looks(20, 20)
    for blocks in (3, 19, 20):
        assert fixed.critical(blocks, 0.05) == t_quantile(0.975, blocks - 1)


def test_a_figure_spends_by_the_blocks_that_it_has() -> None:
    auto = Looks(6, 20)
    assert auto.critical(17, 0.01) == critical_values(0.01, 6, 20)[17]
    assert auto.critical(5, 0.01) == t_quantile(1.0 - 0.01 / 16.0 / 2.0, 4)
    assert auto.spent(20, 0.01) == 0.01


def test_an_estimate_says_by_which_looks_its_interval_was_made() -> None:
    logs = [0.1, 0.2, 0.15, 0.12, 0.18, 0.11]
    auto = Looks(6, 20)
    plain, repeated = from_logs(logs, 0.05), from_logs(logs, 0.05, looks=auto)
    assert repeated.looks == auto
    assert plain.sd_log == repeated.sd_log
    assert plain.low is not None
    assert plain.mean is not None
    assert repeated.low is not None
    wider = math.log(plain.mean / repeated.low) / math.log(plain.mean / plain.low)
    assert wider == pytest.approx(critical_values(0.05, 6, 20)[6] / t_quantile(0.975, 5))
    assert plain.detectable is not None
    assert repeated.detectable is not None
    assert repeated.detectable > plain.detectable


def test_looks_cost_blocks_and_a_fixed_number_costs_none() -> None:
    plain = blocks_needed(0.05, 0.1, 0.01)
    assert plain is not None
    assert blocks_needed(0.05, 0.1, 0.01, Looks(20, 20)) == plain
    looked = blocks_needed(0.05, 0.1, 0.01, Looks(6, 20))
    assert looked is not None
    assert plain < looked < 1.4 * plain
    # The last look of a run of so many does see it; that of one with a tenth fewer does not.
    assert seen_from(looked, 0.1, 0.01, Looks(6, looked)) < 0.0505
    assert seen_from(9 * looked // 10, 0.1, 0.01, Looks(6, 9 * looked // 10)) > 0.05
