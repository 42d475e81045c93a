# SPDX-License-Identifier: BSD-3-Clause
"""What `backends`, `interpreters` and `plan` show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import IO, TYPE_CHECKING

from fibench.json_values import (
    Object,
    list_or_empty,
    number_in,
    object_or_empty,
    objects_in,
    text_or_none,
    whole_in,
)
from fibench.metrics import quantity
from fibench.plan.searching.steps import MOST_SEARCH_TRIALS
from fibench.report._trial_line import labelled_by_role
from fibench.report.numbers import time_span, time_taken
from fibench.report.output import glued, page, print_hanging
from fibench.wording import counted, prose, shown

if TYPE_CHECKING:
    from rich.console import Console

_LANGUAGES = {"c": "C", "python": "Python", "own": "Your own"}
_MOST_ORDERS = 4
_BEFORE = -1
"""The block of the trials before all blocks."""
_PLAN_MARGIN = len("not judged") + 2


def render_backends(rows: Sequence[Object], out: Console | IO[str] | None = None) -> None:
    """Show the objects of `backends --json`, grouped by language."""
    from rich.text import Text

    names = [shown(str(row["name"])) for row in rows]
    margin = max((len(name) for name in names), default=0) + 4
    reasons = {str(row.get("reason")) for row in rows if not row["available"]}
    with page(out) as console:
        is_one = len(reasons) == 1 and not any(row["available"] for row in rows)
        if is_one:  # as before a build: it stands once
            print_hanging(console, margin, "None is here", shown(*reasons), "bold yellow", "bold")
            console.print()
        for language in dict.fromkeys(str(row["language"]) for row in rows):
            console.print(Text(shown(_LANGUAGES.get(language, language)), style="bold"))
            for name, row in zip(names, rows, strict=True):
                if row["language"] == language:
                    _print_backend(console, margin, name, row, has_reason=not is_one)
            console.print()
        here = sum(bool(row["available"]) for row in rows)
        console.print(Text(f"{here} of {len(rows)} can run here"))


def _print_backend(
    console: Console, margin: int, name: str, row: Object, *, has_reason: bool
) -> None:
    design = f"{prose(str(row.get('mechanism') or row['design']))} ({_serves(row.get('serves'))})"
    print_hanging(console, margin, f"  {name}", design, mark_style="bold")
    if row.get("teaches"):
        print_hanging(console, margin, "", prose(str(row["teaches"])))
    if row.get("needs"):
        print_hanging(console, margin, "", f"Needs: {prose(str(row['needs']))}", "dim")
    if row.get("limits"):
        print_hanging(console, margin, "", f"Limits: {prose(str(row['limits']))}", "dim")
    if not row["available"] and has_reason:
        reason = shown(str(row.get("reason") or "no reason known"))
        print_hanging(console, margin, "", f"Not here: {reason}", "bold yellow")


def _serves(serves: object) -> str:
    if serves == "any":
        return "any number of clients at once"
    if serves == "workers":
        return "as many clients at once as it has workers"
    return "one client at a time" if serves == 1 else f"{serves} clients at a time"


def render_interpreters(
    rows: Sequence[Object], advice: str, out: Console | IO[str] | None = None
) -> None:
    """Show the objects of `interpreters --json`; `advice` is said where none is without a GIL."""
    from rich.text import Text

    names = [_what_to_write(row) for row in rows]
    margin = max((len(name) for name in names), default=0) + 4
    with page(out) as console:
        for name, row in zip(names, rows, strict=True):
            if row["available"]:
                print_hanging(console, margin, f"  {name}", _python(row), mark_style="bold")
            else:
                reason = f"Not here: {shown(str(row.get('reason') or 'no reason known'))}"
                print_hanging(console, margin, f"  {name}", reason, "bold yellow", "bold")
            if where := _where(row):
                print_hanging(console, margin, "", where, "dim")
        console.print()
        here = [row for row in rows if row["available"]]
        without = sum(row.get("gil") is False for row in here)
        inner = sum(row.get("subinterpreters") is True for row in here)
        said = f"{len(here)} of {len(rows)} can run servers in Python"
        console.print(Text(f"{said}, {without} without a GIL, {inner} with sub-interpreters"))
        if not without:
            console.print(Text(advice))


def _what_to_write(row: Object) -> str:
    if row.get("default"):
        return "(default)"
    texts = list_or_empty(row.get("write"))
    return shown(str(texts[0])) if texts else ""


def _where(row: Object) -> str:
    """Its path, and what else may be written for it, as far as that is not what is written."""
    texts = [shown(str(text)) for text in list_or_empty(row.get("write"))]
    path = shown(str(row["path"])) if row.get("path") else ""
    said = [path] if path and (row.get("default") or texts[:1] != [path]) else []
    said += [f"or {', '.join(texts[1:])}"] if texts[1:] else []
    return "; ".join(said)


def _python(row: Object) -> str:
    """What a Python is, and whether anything in it computes beside anything else."""
    kind = f"{shown(str(row.get('implementation')))} {shown(str(row.get('version')))}"
    gil = "with a GIL" if row.get("gil") else "without a GIL"
    if row.get("free_threaded"):
        gil = "free-threaded, its GIL switched on" if row.get("gil") else "free-threaded: no GIL"
    inner = "sub-interpreters" if row.get("subinterpreters") else "no sub-interpreters"
    return f"{kind}, {gil}, {inner}"


def render_plan(
    plan: Object,
    warnings: Sequence[str] = (),
    out: Console | IO[str] | None = None,
) -> None:
    """Show the document of `plan --json`: the cells, the order of the first blocks, how long."""
    from rich.text import Text

    cells = objects_in(plan, "cells")
    with page(out) as console:
        console.print(Text(prose(str(plan["title"])), style="bold"))
        said = f"{counted(len(cells), 'cell')} in {_extent(plan)}{_search_extent(plan)}"
        console.print(Text(said if cells else "none of its cells can be measured here"))
        console.print()
        lines = [("all cells", common_parameters(cells))] if cells else []
        lines += [*_groups(cells), *_searches(plan), *_pinning(plan)]
        lines += [*_interpreters(plan), *_left_out(plan)]
        for name, said in [*lines, *_orders(plan)]:
            print_hanging(console, _PLAN_MARGIN, name, said, mark_style="bold")
        for place, claim in enumerate(objects_in(plan, "to_judge")):
            said = f"{prose(str(claim['says']))}: {shown(str(claim['judged']))}"
            if place == 0:
                console.print()
            print_hanging(console, _PLAN_MARGIN, "claim", said, mark_style="bold")
        for dropped in objects_in(plan, "dropped_claims"):
            said = f"{prose(str(dropped['says']))}: {shown(str(dropped['reason']))}"
            console.print()
            print_hanging(console, _PLAN_MARGIN, "not judged", said, mark_style="bold")
        for warning in warnings:
            console.print()
            said = prose(warning)
            print_hanging(console, _PLAN_MARGIN, "warning", said, mark_style="bold yellow")


def _extent(plan: Object) -> str:
    """In how many blocks, with how many trials, and how long: from the least to the most."""
    most, least = whole_in(plan, "blocks"), plan.get("least_blocks")
    longest = time_taken(number_in(plan, "expected_s"))
    if type(least) is not int or least == most:
        trials = counted(len(objects_in(plan, "trials")), "trial")
        return f"{counted(most, 'block')}: {trials}, about {longest} of warm-up and measuring"
    if whole_in(plan, "fewest_trials") == whole_in(plan, "most_trials"):  # no claims: no more of it
        trials = counted(whole_in(plan, "most_trials"), "trial")
        return f"{counted(least, 'block')}: {trials}, about {longest} of warm-up and measuring"
    trials = f"{whole_in(plan, 'fewest_trials')} to {whole_in(plan, 'most_trials')} trials"
    times = time_span(number_in(plan, "shortest_s"), number_in(plan, "expected_s"))
    return (
        f"{least} to {most} blocks, until the claims are clear: {trials}, "
        f"{times} of warm-up and measuring"
    )


def _search_extent(plan: Object) -> str:
    """What comes before the blocks to find their rates; empty where nothing does."""
    if not plan.get("most_search_trials"):
        return ""
    most = counted(whole_in(plan, "most_search_trials"), "search trial")
    return f", and up to {most} before them, up to {time_taken(number_in(plan, 'search_s'))}"


def common_parameters(cells: Sequence[Object]) -> str:
    """The parameters that all cells share, as the file would write them: `clients=8, ...`."""
    from fibench.parameters import shown_value

    every = [object_or_empty(cell["parameters"]) for cell in cells]
    return ", ".join(
        glued(f"{shown(name)}={shown(shown_value(name, value))}")
        for name, value in (every[0] if every else {}).items()
        if isinstance(value, str | int | float)
        and name not in ("groups", "asked")
        and all(parameters.get(name) == value for parameters in every)
    )


def _groups(cells: Sequence[Object]) -> list[tuple[str, str]]:
    """The client groups: in words where all cells have the same, else by their names."""
    from fibench.parameters.groups import described, parse

    texts = dict.fromkeys(
        text_or_none(object_or_empty(cell["parameters"]).get("groups")) for cell in cells
    )
    every = [parse(text) for text in texts if text]
    if not every:
        return []
    if len(every) == 1:
        said = "; ".join(described(group) for group in every[0])
    else:
        said = ", ".join(group.name for group in every[0])
    return [("groups", shown(said))]


def _pinning(plan: Object) -> list[tuple[str, str]]:
    """Which CPUs servers and load get."""
    from fibench.report.lines import pinning_line

    line = pinning_line(plan)
    return [("cpus", shown(line))] if line else []


def _interpreters(plan: Object) -> list[tuple[str, str]]:
    """What the interpreters are that cells name, or servers of the user's own run on."""
    from fibench.report.lines import interpreter_words, interpreters_asked

    kept = plan.get("interpreters")
    every = [object_or_empty(cell["parameters"]) for cell in objects_in(plan, "cells")]
    cells = [(each.get("interpreter"), str(each.get("backend"))) for each in every]
    words = interpreter_words(kept, interpreters_asked(kept, cells))
    return [("python", shown(f"{name}: {what}")) for name, what in words]


def _left_out(plan: Object) -> list[tuple[str, str]]:
    """The cells that cannot be run here, by reason."""
    reasons: dict[str, list[str]] = {}
    for cell in objects_in(plan, "left_out"):
        reasons.setdefault(str(cell["reason"]), []).append(glued(shown(str(cell["label"]))))
    return [("left out", f"{', '.join(some)} ({shown(why)})") for why, some in reasons.items()]


def _orders(plan: Object) -> list[tuple[str, str]]:
    """The order of trials in each of the first blocks."""
    blocks: dict[int, list[str]] = {}
    watched = 0
    for trial in objects_in(plan, "trials"):
        if trial.get("role") == "timeline":
            watched += 1
            continue
        blocks.setdefault(whole_in(trial, "block"), []).append(glued(_named(trial)))
    before = blocks.pop(_BEFORE, None)
    pairs = [(f"block {block + 1}", _in_order(order)) for block, order in blocks.items()]
    if pairs and plan.get("seed", 0) is None:  # a run makes one for itself
        said = f"{pairs[0][1]}, in an order that each run shuffles from a seed of its own"
        pairs = [("each block", said)]
    if len(pairs) > _MOST_ORDERS:
        rest = counted(len(pairs) - _MOST_ORDERS + 1, "more block")
        pairs[_MOST_ORDERS - 1 :] = [("…", f"and {rest}, each in an order of its own")]
    if watched:
        said = (
            f"{counted(watched, 'server')}, once each after block 1, in trials that are not timed"
        )
        pairs.append(("watched", said))
    return [("first", ", ".join(before)), *pairs] if before else pairs


def _in_order(labels: Sequence[str]) -> str:
    """Trials one after the other; cells whose rates are still searched are alike."""
    runs = [(label, len(list(alike))) for label, alike in groupby(labels)]
    return ", ".join(label if count == 1 else f"{label} (×{count})" for label, count in runs)


def _searches(plan: Object) -> list[tuple[str, str]]:
    """What a run looks for before it measures."""
    found = []
    for search in objects_in(plan, "searches"):
        targets = [
            f"{shown(str(one.get('metric')))} < {quantity(number_in(one, 'limit'), 's')}"
            for one in objects_in(search, "targets")
        ]
        found.append(glued(f"{shown(str(search['label']))} ({', '.join(targets)})"))
    if not found:
        return []
    said = f"rates of {', '.join(found)}, by up to {MOST_SEARCH_TRIALS} trials for each"
    return [("searched", said)]


def _named(trial: Object) -> str:
    """A trial as its cell's label, and what else it is for."""
    label = shown(str(trial["cell"]))
    role = trial.get("role")
    return f"{label} (search)" if role == "search" else labelled_by_role(label, role)
