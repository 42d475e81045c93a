# SPDX-License-Identifier: BSD-3-Clause
"""What is known of a trial at its end, however it ended: the record is put together from it."""

from dataclasses import dataclass, field

from fibench.record import GeneratorSide, ServerSide, SystemCalls
from fibench.timeline import ThreadTime
from fibench.trial._figures import Figures
from fibench.trial.evidence.watch import Seen
from fibench.trial.serving import TrialFailed

INVALID = "invalid"
"""The kind of failure of a trial that was measured to its end."""


@dataclass(frozen=True)
class Course:
    """The course of a trial. What it did not come to is not known."""

    port: int | None = None
    figures: Figures = field(default_factory=Figures)
    server: ServerSide | None = None
    generator: GeneratorSide | None = None
    syscalls: SystemCalls | None = None
    timeline: ThreadTime | None = None
    seen: Seen = field(default_factory=Seen)
    """What the rest of the machine did meanwhile."""
    window_opened: bool = False
    """Whether it came to its window; of system calls, whether its server was asked."""
    load_began: bool = False
    """Whether fibload had begun to ask, for its load or before, so that how it goes could be
    seen."""
    failed: TrialFailed | None = None
    """Why it is not valid."""
