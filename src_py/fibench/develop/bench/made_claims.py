# SPDX-License-Identifier: BSD-3-Clause
"""Experiments of which whole runs are made up: their claims, and where the truth of each lies.

experiments/gil.toml itself, eight other claims about its cells, a small file of two cells, and an
open loop with what is claimed of such: a 99th percentile, a crossover and a count.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Literal

from fibench.develop.bench.made_trials import CORES, P99_S, RATES, name_of
from fibench.experiment import Claim, Experiment, KnownBackend, parse_experiment
from fibench.verdict.crossover import crossing

GIL = Path(__file__).parents[4] / "experiments" / "gil.toml"
_DESIGNS: dict[str, int | Literal["workers", "any"]] = {"sync": 1, "mp": "any", "mt": "any"}
_KNOWN = {
    **{
        f"{short}-{design}": KnownBackend(("message", "line"), serves, language, serves)
        for short, language in (("c", "c"), ("py", "python"))
        for design, serves in _DESIGNS.items()
    },
    "py-async": KnownBackend(("message", "line"), "any", "python", 1),
}

File = Literal["gil", "mixed", "small", "open"]
Truth = Literal["far", "near", "bound", "false"]
"""Where the truth of a claim lies: beyond its bound by far or by little, on it, or on its other
side."""
NEAR = 1.034
"""So many times its truth is the bound of the claim that is true by little."""


def _claim(sides: str, metric: str, bound: str, n: int | None = 27) -> str:
    where = "" if n is None else f"where = {{ n = {n} }}"
    return f"""
[[claim]]
says = '{sides} {metric} {bound}'
{sides}
metric = "{metric}"
{where}
{bound}
"""


def _ratio(left: str, right: str) -> str:
    return f'ratio = [{{ backend = "{left}" }}, {{ backend = "{right}" }}]'


def _value(of: str) -> str:
    return f'value = {{ backend = "{of}" }}'


def _over(left: str, right: str, of: dict[str, float] = RATES) -> float:
    return of[left] / of[right]


def crossing_of_p99() -> float:
    """The n at which the line between the points has its zero, where forking begins to win."""
    at = (15.0, 18.0, 21.0)
    wins = [math.log(P99_S[f"py-sync n={n:.0f}"] / P99_S[f"py-mp n={n:.0f}"]) for n in at]
    found = crossing(at, wins)
    assert not isinstance(found, str)
    return found


MIXED: tuple[tuple[Truth, str], ...] = (
    ("far", _claim(_ratio("py-mp", "py-mt"), "throughput", "above = 1.3")),
    ("far", _claim(_value("py-mt"), "cores", "within = [0.9, 1.1]")),
    ("near", _claim(_ratio("py-mt", "py-sync"), "throughput",
                    f"below = {NEAR * _over('py-mt', 'py-sync')!r}")),
    ("bound", _claim(_ratio("py-mp", "py-sync"), "throughput",
                     f"above = {_over('py-mp', 'py-sync')!r}")),
    ("bound", _claim(_ratio("py-async", "py-sync"), "throughput",
                     f"below = {_over('py-async', 'py-sync')!r}")),
    ("bound", _claim(_value("c-mt"), "throughput", f"above = {RATES['c-mt n=34']!r}", 34)),
    ("false", _claim(_ratio("c-mp", "c-sync"), "throughput", "below = 1.5", 34)),
    ("false", _claim(_ratio("c-sync", "py-sync"), "throughput",
                     f"above = {1.04 * _over('c-sync', 'py-sync')!r}")),
)  # fmt: skip
"""Eight claims about the cells of gil.toml."""
ON_A_VALUE = 5
"""That of them whose truth is a value on its bound."""

SMALL: tuple[tuple[Truth, str], ...] = (
    ("bound", _claim(_ratio("py-mp", "py-sync"), "throughput",
                     f"above = {_over('py-mp', 'py-sync')!r}")),
    ("bound", _claim(_value("py-mp"), "throughput", f"above = {RATES['py-mp']!r}")),
)  # fmt: skip
"""A ratio and a value, in a file whose blocks have three trials."""
_OF_SMALL = """
title = "Two cells"

[[matrix]]
backend = ["py-mp", "py-sync"]
n = 27

[server]
framing = "message"

[load]
clients = 8
duration = "1.2s"
warmup = "0.2s"
"""

OPEN: tuple[tuple[Truth, str], ...] = (
    ("bound", _claim(_ratio("py-mp", "py-sync"), "p99",
                     f"below = {_over('py-mp n=21', 'py-sync n=21', P99_S)!r}", 21)),
    ("bound", _claim(_value("py-mp"), "p99", f'above = "{P99_S["py-mp n=18"] * 1e3:.9g}ms"', 18)),
    ("bound", _claim('crossover = { over = "n", of = [{ backend = "py-mp" }, '
                     '{ backend = "py-sync" }] }', "p99", f"above = {crossing_of_p99()!r}", None)),
    ("far", _claim(_value("py-sync"), "errors", "below = 1", 18)),
)  # fmt: skip
"""A ratio, a value and a crossover of the 99th percentile of an open loop, and a count."""
_OF_OPEN = """
title = "An open loop"

[[matrix]]
backend = ["py-mp", "py-sync"]
n = [15, 18, 21]

[server]
framing = "message"

[load]
rate = "200/s"
clients = 64
duration = "6s"
warmup = "0.2s"
"""

CLAIMS: dict[File, tuple[tuple[Truth, str], ...]] = {
    "mixed": MIXED, "small": SMALL, "open": OPEN,
}  # fmt: skip
"""Those of every file but gil.toml, whose eight are all true by far."""


def truths(file: File) -> tuple[Truth, ...]:
    """Where the truth of each claim of a file lies, in order."""
    if file in CLAIMS:
        return tuple(truth for truth, _ in CLAIMS[file])
    all_true: Truth = "far"
    return (all_true,) * len(experiment_of(file).claims)


def truth_of(claim: Claim) -> float:
    """The true figure of a claim, in base units."""
    if claim.kind == "crossover":
        return crossing_of_p99()
    if claim.metric == "errors":
        return 0.0
    of = {"throughput": RATES, "cores": CORES, "p99": P99_S}[claim.metric]
    left = of[name_of(claim.left.key, claim.left.label)]
    return left / of[name_of(claim.right.key, claim.right.label)] if claim.right else left


@lru_cache(maxsize=4)
def experiment_of(file: File) -> Experiment:
    """The experiment of a file: with looks after 6 to 20 blocks, as gil.toml has them."""
    heads = {"small": _OF_SMALL, "open": _OF_OPEN}
    text = heads.get(file) or GIL.read_text(encoding="utf-8")
    if file == "mixed":
        text, _, _ = text.partition("[[claim]]")
    text += "".join(claim for _, claim in CLAIMS.get(file, ()))
    return parse_experiment(text, f"{file}.toml", _KNOWN)
