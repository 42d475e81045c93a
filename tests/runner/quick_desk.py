# SPDX-License-Identifier: BSD-3-Clause
"""A desk whose commands are forks: for tests of what commands do, not of how they start."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.runner.desk import Desk
from tests.runner.forked import Commands


@dataclass
class QuickDesk(Desk):
    """A desk like any other, but that nothing is imported anew for each command."""

    commands: Commands

    def invoke(self, *words: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.commands.run([*map(str, words)], {**self.environment(), **extra})
