# SPDX-License-Identifier: BSD-3-Clause
"""What runs do not have in common beside their figures: machines, programs, plans. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fibench.json_values import Object
from fibench.parameters import KEYS, Value, kept_blocks, shown_value
from fibench.verdict.comparing.ratios import Pairs
from fibench.verdict.comparing.sides import matched
from fibench.verdict.reviewing import Review

_PROGRAMS = ("compiler", "fibench", "git", "interpreters", "libc", "libraries", "programs",
             "python")  # fmt: skip
_DIGEST = re.compile(r"[0-9a-f]{40,}")
_VOLATILE = {"schema", "boot_id"}
_IDENTITY = ("processor", "architecture", "cpus", "physical_cores", "usable_cores",
             "virtualisation")  # fmt: skip
"""What makes a machine another one; the rest of environment.json may differ on the same."""

SOURCE_PATH = "source_path"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same on both sides, as text; None: not known, or not there."""

    kind: str
    """`machine`, `programs` or `plan`."""
    name: str
    first: str | None
    second: str | None

    @property
    def is_of_another_machine(self) -> bool:
        """Whether it makes the two machines different ones: what one does not say does not."""
        is_known = self.first is not None and self.second is not None
        of_it = self.kind == "machine" and self.name.partition(".")[0] in _IDENTITY
        return is_known and of_it


def differences(first: Sequence[Review], second: Sequence[Review]) -> tuple[Difference, ...]:
    """All that the files of the runs of two sides say differently.

    Each run is held against the first of all. Where the runs of a side do not say the same, that
    side has all that they say.
    """
    reference = first[0]
    found: dict[tuple[str, str], dict[int, str | None]] = {}
    base: dict[tuple[str, str], str | None] = {}
    runs = [*first, *second]
    for place, run in enumerate(runs[1:], start=1):
        pairs, _, _ = matched(reference.run.experiment.cells, run.run.experiment.cells)
        for each in _of_two(reference, run, pairs):
            base.setdefault((each.kind, each.name), each.first)
            found.setdefault((each.kind, each.name), {})[place] = each.second
    return tuple(
        Difference(kind, name, *(
            _together(told.get(place, base[kind, name]) for place in places)
            for places in (range(len(first)), range(len(first), len(runs)))
        ))
        for (kind, name), told in found.items()
    )  # fmt: skip


def _together(told: Iterable[str | None]) -> str | None:
    """What the runs of a side say, each once; None: none of them says anything."""
    return " or ".join(dict.fromkeys(text for text in told if text is not None)) or None


def _of_two(first: Review, second: Review, pairs: Pairs) -> tuple[Difference, ...]:
    """All that two runs say differently; `pairs` are the cells that both have."""
    return (
        *_environment_differences(first.run.environment.document, second.run.environment.document),
        *_plan_differences(first, second, pairs),
    )


def _environment_differences(first: Object, second: Object) -> Iterator[Difference]:
    """What environment.json says differently, of the machine and of the programs.

    Of a run that has none nothing is known, and so nothing differs.
    """
    if not (first and second):
        return
    sides = [
        _flat({name: value for name, value in each.items() if name not in _VOLATILE})
        for each in (first, second)
    ]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = sides[0].get(name), sides[1].get(name)
        if one != other:
            kind = "programs" if name.partition(".")[0] in _PROGRAMS else "machine"
            yield Difference(kind, name, _short(one), _short(other))


def _short(text: str | None) -> str | None:
    """A text, the digest of a program or a commit cut to what tells it from others."""
    return text[:12] if text is not None and _DIGEST.fullmatch(text) else text


def _plan_differences(first: Review, second: Review, pairs: Pairs) -> Iterator[Difference]:
    """What was asked for differently: options of the plan, and parameters of paired cells."""
    sides = (first.run.plan.document, second.run.plan.document)
    asked_blocks = (kept_blocks(plan) for plan in sides)
    one, other = (None if blocks is None else str(blocks) for blocks in asked_blocks)
    if one != other:
        yield Difference("plan", "blocks", one, other)
    for name in ("title", SOURCE_PATH):  # a seed is another one in each run, and no difference
        one, other = (str(plan.get(name)) for plan in sides)
        known = name != SOURCE_PATH or all(SOURCE_PATH in plan for plan in sides)
        if one != other and known:
            yield Difference("plan", name, one, other)
    for name in ("overrides", "pinning"):
        flat = [_flat({name: plan.get(name) or {}}) for plan in sides]
        for item in dict.fromkeys([*flat[0], *flat[1]]):
            if flat[0].get(item) != flat[1].get(item):
                yield Difference("plan", item, flat[0].get(item), flat[1].get(item))
    asked = [tuple(cell.parameters.as_json() for cell in pair) for pair in pairs]
    for name in dict.fromkeys(name for pair in asked for each in pair for name in each):
        values = {
            (_parameter(name, one.get(name)), _parameter(name, other.get(name)))
            for one, other in asked
            if one.get(name) != other.get(name)
        }
        if len(values) == 1:
            yield Difference("plan", name, *values.pop())
        elif values:
            both = (", ".join(sorted({str(pair[side]) for pair in values})) for side in (0, 1))
            yield Difference("plan", name, *both)


def _parameter(name: str, value: Value) -> str | None:
    if value is None:
        return None
    return shown_value(name, value) if name in KEYS else str(value)


def _flat(value: object, name: str = "") -> dict[str, str]:
    """A document as dotted names and texts; null and what is empty is left out."""
    match value:
        case dict():
            found: dict[str, str] = {}
            for key, item in value.items():
                found |= _flat(item, f"{name}.{key}" if name else str(key))
            return found
        case None:
            return {}
        case bool():
            return {name: "yes" if value else "no"}
        case list() | tuple():
            return {name: ", ".join(str(item) for item in value)} if value else {}
    return {name: str(value)}
