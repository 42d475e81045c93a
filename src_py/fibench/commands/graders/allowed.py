# SPDX-License-Identifier: BSD-3-Clause
"""`--allow`: outcomes that do not keep a command from ending with 0."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from fibench.commands.refused import UNDECIDED, WRONG_INPUT, Refused, exit_code
from fibench.wording import escaped, suggestion

if TYPE_CHECKING:
    from fibench.verdict import Review

ALLOWED = {"inconclusive": "INCONCLUSIVE"}
"""By the word that allows it. Nothing else can be allowed: a claim that is refuted is no noise, nor
is a trial that failed, and of one that is INVALID nothing was measured that could be believed."""


def allowed_outcomes(text: str) -> frozenset[str]:
    """The outcomes that the value of `--allow` names, with commas between them. Raises Refused."""
    words = [word.strip() for word in text.split(",")] if text else []
    for word in words:
        if word not in ALLOWED:
            what = f"--allow {escaped(word[:40])}: that cannot be allowed"
            raise Refused(what, suggestion(word, ALLOWED), WRONG_INPUT)
    return frozenset(ALLOWED[word] for word in words)


def status_of(judged: Review, allowed: Collection[str]) -> int:
    """How `run` would have ended with a stored run. What has interrupted one is not kept: that is
    undecided, as what ended since the machine was not quiet is."""
    stopped = judged.run.stopped
    if judged.interrupted:
        return UNDECIDED
    return exit_code(
        judged.verdicts,
        len(judged.failures),
        not_quiet=stopped is not None and stopped.not_quiet,
        allowed=allowed,
    )
