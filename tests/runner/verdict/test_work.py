# SPDX-License-Identifier: BSD-3-Clause
"""The work of estimating and judging grows as the records do, not as records times claims."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.runner.records import recorded

from fibench.develop.bench.estimation import made_experiment, made_records
from fibench.verdict.estimate import Index, summarise
from fibench.verdict.judging import judge
from fibench.verdict.sampling.sampled import samples


class Counted(Mapping[str, float | None]):
    """Metrics that count how often they are asked."""

    asked = 0

    def __init__(self, metrics: Mapping[str, float | None]) -> None:
        self._metrics = metrics

    def __getitem__(self, name: str) -> float | None:
        Counted.asked += 1
        return self._metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)


def test_each_figure_is_read_a_few_times_however_many_claims_there_are() -> None:
    experiment = made_experiment(cells=10, blocks=10, claims=5)
    made = [
        replace(one, metrics=Counted(one.metrics))
        for one in samples(recorded(*made_records(experiment, 10)))
    ]
    figures = sum(len(one.metrics) for one in made)

    def asked(claims: int) -> int:
        Counted.asked = 0
        index = Index(iter(made))
        summarise(index, [cell.key for cell in experiment.cells])
        judge(experiment.claims * claims, index, 8)
        return Counted.asked

    assert asked(1) == asked(20) <= 3 * figures
