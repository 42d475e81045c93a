# SPDX-License-Identifier: BSD-3-Clause
"""What shows a run: the view where there is a terminal that can draw it, lines everywhere else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fibench.report.live.plain import DecisionsOf, Lines
from fibench.report.live.screen import is_able

if TYPE_CHECKING:
    from fibench.report.live.progress import QuestionsOf
    from fibench.run import Listener


@contextmanager
def showing_progress(
    questions: "QuestionsOf", decisions: DecisionsOf = lambda: None
) -> "Iterator[Listener]":
    """A listener that fits the standard output, for the time of a run.

    `questions` gives what the run is to decide, `decisions` what it has decided after the last
    block; none where the number of blocks is fixed.
    """
    lines = Lines(decisions)
    if not is_able(sys.stdout, os.environ):
        yield lines
        return
    from fibench.report.live.frame import Frame
    from fibench.report.live.progress import Progress
    from fibench.report.live.screen import Screen
    from fibench.report.live.signs import signs_of
    from fibench.report.live.view import LiveView

    signs = signs_of(sys.stdout.encoding, os.environ)
    view = LiveView(Progress(questions, decisions), lines, Frame(signs), Screen(sys.stdout))
    with view.on_signals():
        try:
            yield view
        finally:
            view.end()
