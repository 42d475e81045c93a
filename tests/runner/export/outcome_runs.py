# SPDX-License-Identifier: BSD-3-Clause
"""A judged run with every outcome of a claim, and what it says changed to any text."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st
from tests.runner.page.kinds import KINDS
from tests.runner.stored_runs import places_with

from fibench.store import read_run
from fibench.verdict import Review, review

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40) | st.text(
    st.sampled_from("<>&\"'%:,\r\n\x00\x1b\u202e\ufffe]]>="), max_size=12
)
"""Whatever a file, or a journal, may hold; surrogates without their other halves too."""


def run_of(kind: str, folder: Path) -> Review:
    """A run of one of the kinds that pages are tried with."""
    made = KINDS[kind](folder / kind / "2026-11-24T2255-63e1")
    return review(read_run(made, places_with(folder)))


Saying = Callable[[str], Review]
"""Makes a run of a text; in a report of a failure it is short, which a run is not."""


def saying(judged: Review, text: str) -> Review:
    """The same run, of which every claim and mark says something else."""
    experiment = replace(judged.run.experiment, title=text)
    verdicts = tuple(
        replace(one, claim=replace(one.claim, says=text), reason=text) for one in judged.verdicts
    )
    marks = tuple(filter(None, [*judged.marks, text]))
    run = replace(judged.run, experiment=experiment, name=f"{text}/{text}")
    return replace(judged, run=run, verdicts=verdicts, marks=marks)
