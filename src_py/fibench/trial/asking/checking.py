# SPDX-License-Identifier: BSD-3-Clause
"""The check before a load that asks for requests of the file, which fibload makes as well.

So there is one way to find where a reply ends. First the server is prepared; then every request of
the load is asked by several connections at once. Where the file does not say what must come, what
came here must come in the load.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fibench.experiment import Cell
from fibench.json_values import Object
from fibench.parameters import Parameters
from fibench.requests import WireRequest, asks_file
from fibench.trial import load
from fibench.trial._placement import load_cpus
from fibench.trial.answer import ReplyDifference, read_difference
from fibench.trial.asking.wrong import SAID, SPEAKS_FIRST, hint_of_wrong, named_place
from fibench.trial.serving import TrialContext, TrialFailed
from fibench.wording import escaped

ASKS, REPLIES, CHECK_FOLDER = "asks", "replies", "check"
"""In a trial's folder: what its load asks for; what a null server repeats; what a check left."""
_NS = 1e-9
_NOT_UNDERSTOOD = 2
"""How fibload ends that has asked for nothing, since it was told what it cannot do."""


def backlog_for_each(requests: Sequence[WireRequest], backlog: int | None) -> int | None:
    """How long a listen queue is for each of the requests that are asked at the same time."""
    if backlog is None or len(requests) < 2:
        return backlog
    return (backlog + 1) // len(requests) - 1  # the kernel lets one more wait


@dataclass(frozen=True)
class RightReplies:
    """What was right in a check."""

    asks: Path
    """What the load asks for, every body that must come in it."""
    replies: Path
    """The replies that came, as a null server repeats them, where they were to be kept."""
    right: int
    """How many there were, of preparations too."""
    took_s: float
    """How long the fastest reply took to the request that takes longest."""


@dataclass(frozen=True)
class Check:
    """Where servers are checked."""

    context: TrialContext
    parameters: Parameters
    port: int
    folder: Path
    """Of the trial."""
    tell: Callable[[load.Edge], None] = lambda edge: None
    """Is told when fibload has begun to ask: from then on how a trial goes can be seen."""

    def of_cell(self, cell: Cell, at_once: int, repeated: RightReplies | None) -> RightReplies:
        """Prepare a cell's server, and check it; a null server that has `repeated` what another one
        answered needs no preparation. Raises TrialFailed."""
        if repeated is not None:
            took_s = self._asked(cell.asks, repeated.asks, at_once)
            return replace(repeated, right=at_once * len(cell.asks), took_s=took_s)
        prepared = self.prepare(cell.prepares)
        checked = self.check(cell.asks, at_once)
        return replace(checked, right=prepared + checked.right)

    def prepare(self, requests: Sequence[WireRequest]) -> int:
        """Ask what servers are asked once, in order; returns how many. Raises TrialFailed."""
        for number, request in enumerate(requests, start=1):
            place = "[[prepare]]" if len(requests) == 1 else f"[[prepare]] {number}"
            self._asked([request], None, at_once=1, place=place)
        return len(requests)

    def check(
        self, requests: Sequence[WireRequest], at_once: int, *, keeps_replies: bool = False
    ) -> RightReplies:
        """Ask for all that the load will, by as many connections at once. Raises TrialFailed."""
        folder = self.folder.absolute()
        learned, replies = folder / ASKS, folder / REPLIES
        files = ["--learned", str(learned)]
        if keeps_replies:
            files += ["--replies", str(replies)]
        took_s = self._asked(requests, None, at_once, *files)
        return RightReplies(learned, replies, at_once * len(requests), took_s)

    def _asked(
        self,
        requests: Sequence[WireRequest],
        asks: Path | None,
        at_once: int,
        *files: str,
        place: str = "",
    ) -> float:
        """Let fibload ask for what a file has, or for the requests as they are; returns how long
        the longest took, by the fastest of its replies. `place` is where the file has them, if not
        in their tables. Raises TrialFailed."""
        own_folder = self.folder.absolute() / CHECK_FOLDER
        own_folder.mkdir()
        if asks is None:
            asks = own_folder / ASKS
            host = self.parameters.host
            asks.write_bytes(asks_file(requests, host, self.port, learns=True))
        try:
            found = self._found(asks, requests[0].framing, at_once, files)
        except load.LoadError as error:
            raise TrialFailed(f"the check of replies failed: {error}", "load") from error
        for one, request in zip(found, requests, strict=False):
            if one.outcome != "right":
                raise _failure(one, request, place or named_place([request]), at_once)
        if len(found) != len(requests):
            raise TrialFailed("the check of replies did not ask for everything", "load")
        shutil.rmtree(own_folder)
        return max(one.took_s for one in found)

    def _found(
        self, asks: Path, framing: str, at_once: int, files: Sequence[str]
    ) -> Sequence[_Found]:
        """What fibload finds. Raises LoadError."""
        context, parameters = self.context, self.parameters
        argv = load.check_command(
            context.programs, parameters, self.port, asks, framing=framing, at_once=at_once
        )
        argv[-1:-1] = files
        limit_s = 2 * parameters.timeout + load.GRACE_S
        cpus = load_cpus(parameters, context.pinning)
        command = load.LoadCommand(argv, 0.0, limit_s, announces=False, cpus=cpus)
        folder = self.folder / CHECK_FOLDER
        ending = load.drive(command, context.supervise, folder, lambda edge, at_ns: None)
        if ending.status != _NOT_UNDERSTOOD:
            self.tell("start")  # of one that was ended by somebody, too: it is not known how far
        return _read(load.read_fibload(folder))


@dataclass(frozen=True)
class _Found:
    """How a request was answered."""

    outcome: str
    took_s: float
    reason: str
    difference: ReplyDifference | None


def _read(answer: Object) -> list[_Found]:
    """What fibload tells of a check. Raises LoadError for what it cannot have said."""
    every = answer.get("check")
    if not isinstance(every, list):
        raise load.LoadError("fibload's answer has no proper check")
    return [_read_one(one) for one in every]


def _read_one(one: object) -> _Found:
    told_of = one if isinstance(one, dict) else {}
    outcome, took_ns = told_of.get("outcome"), told_of.get("took_ns")
    if not isinstance(outcome, str):
        raise load.LoadError("fibload's answer has no proper check.outcome")
    if outcome == "right" and not isinstance(took_ns, int):
        raise load.LoadError("fibload's answer has no proper check.took_ns")
    return _Found(
        outcome,
        took_ns * _NS if isinstance(took_ns, int) else 0.0,
        str(told_of.get("reason") or ""),
        read_difference(told_of.get("first_wrong")),
    )


def _failure(found: _Found, request: WireRequest, place: str, at_once: int) -> TrialFailed:
    """Why a server is not measured, and what to do about it."""
    who = f", asked by {at_once} clients at once" if at_once > 1 else ""
    kind = "load" if found.outcome == "local" else "wrong-reply"
    reason = f"{place}{who}: {_WORDS.get(found.outcome, found.outcome)}: {found.reason}"
    return TrialFailed(escaped(reason), kind, _hint(found, request, place))


_WORDS = {
    "wrong": "the server answers wrongly",
    "opening": "a new connection begins in another way than its opening says",
    "surplus": "the server sends what nobody asked for",
    "closed": "the server gives up before it has answered",
    "reset": "the server gives up before it has answered",
    "refused": "the server takes no connection any more",
    "timeout": "the server does not answer in time",
    "local": "the check failed on its own side",
}
"""By what became of a request; how, fibload says itself."""


def _hint(found: _Found, request: WireRequest, place: str) -> str:
    match found.outcome:
        case "wrong" if found.difference is not None:
            return hint_of_wrong(found.difference, [request], place)
        case "wrong":
            return f"what must come is expect in {place}"
        case "opening":
            return f"what a new connection says first is opening in {place}"
        case "surplus":
            longer = f"the reply is longer than expect in {place}"
            return f"{longer}, or comes before it is asked for: {SPEAKS_FIRST}"
        case "timeout":
            return f"is that all that it waits for? If it only takes longer, raise timeout; {SAID}"
    return SAID
