# SPDX-License-Identifier: BSD-3-Clause
"""Records become samples, estimates and verdicts.

May know `store`, `plan` and `experiment`, and what these know. It starts nothing, prints nothing,
and looks at no disk.
"""

from fibench.verdict.comparing.comparison import Comparison, compare
from fibench.verdict.crossover import Crossover
from fibench.verdict.deciding.decide import decide, never_started_of
from fibench.verdict.deciding.decisions import Decisions, Questions, Standing, questions_of
from fibench.verdict.estimate import CONFIDENCE, CellSummary, Estimate
from fibench.verdict.findings import Failure, Findings, find
from fibench.verdict.judging import Verdict, claims_json, judge
from fibench.verdict.looks import Looks
from fibench.verdict.reviewing import Review, review
from fibench.verdict.sample import Index, Sample
from fibench.verdict.twin import TwinCheck

__all__ = [
    "CONFIDENCE",
    "CellSummary",
    "Comparison",
    "Crossover",
    "Decisions",
    "Estimate",
    "Failure",
    "Findings",
    "Index",
    "Looks",
    "Questions",
    "Review",
    "Sample",
    "Standing",
    "TwinCheck",
    "Verdict",
    "claims_json",
    "compare",
    "decide",
    "find",
    "judge",
    "never_started_of",
    "questions_of",
    "review",
]
