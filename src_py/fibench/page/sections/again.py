# SPDX-License-Identifier: BSD-3-Clause
"""How to run it again: the command, the machine, what ran by its digest, and the file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fibench import called
from fibench.json_values import Object, object_or_empty, text_or_none
from fibench.metrics import quantity
from fibench.page.source import SourceLine
from fibench.page.view import View
from fibench.parameters import option_flag
from fibench.report.lines import build_line, interpreter_lines, pinning_line
from fibench.wording import counted, shown

_MOST_DIGESTS = 60
_SHORT = 12


@dataclass(frozen=True)
class Again:
    """The section."""

    command: str
    machine: Sequence[tuple[str, str]]
    programs: Sequence[tuple[str, str]]
    lines: Sequence[SourceLine]
    left_out: Sequence[tuple[str, str]]
    """Cells that could not be run, and why."""


def run_again(view: View) -> Again:
    """What is needed to repeat a run."""
    run = view.review.run
    identity = object_or_empty(run.plan.document.get("identity"))
    digests = object_or_empty(identity.get("programs"))
    programs = [
        (shown(name), shown(digest)[:_SHORT])
        for name, digest in list(digests.items())[:_MOST_DIGESTS]
        if isinstance(digest, str)
    ]
    absent = run.experiment.absent.cells
    return Again(
        _command(view),
        list(_machine(view)),
        programs,
        view.source.lines,
        [(shown(one.cell.label), shown(one.reason)) for one in absent],
    )


def _command(view: View) -> str:
    run = view.review.run
    words = ["run", run.plan.source or f"{run.experiment_name}.toml"]
    overrides = object_or_empty(run.plan.document.get("overrides"))
    for key, value in overrides.items():
        words += [option_flag(key), str(value)]
    seed = run.experiment.plan.seed
    if seed is not None and "seed" not in overrides:
        words += ["--seed", str(seed)]
    return shown(called.command(shlex.join(words)))


def _machine(view: View) -> Iterator[tuple[str, str]]:
    run = view.review.run
    about = run.environment.document
    cores = "" if run.cores is None else f", {counted(run.cores, 'core')}"
    yield "Processor", f"{shown(run.environment.processor) or 'not known'}{cores}"
    memory = about.get("memory_bytes")
    if isinstance(memory, int | float) and memory > 0:
        yield "Memory", quantity(float(memory), "bytes")
    for name, key in (
        ("Virtual", "virtualisation"), ("Kernel", "kernel"), ("Governor", "governor"),
        ("Power", "power_source"), ("Clock", "clocksource"), ("C library", "libc"),
    ):  # fmt: skip
        said = text_or_none(about.get(key))
        if said:
            yield name, shown(said)
    built = build_line(run.environment.fibench, run.environment.compiler)
    if built:
        yield "Built with", shown(built)
    pinning = pinning_line(run.plan.document)
    if pinning:
        yield "CPUs", shown(pinning)
    for line in interpreter_lines(run.environment.interpreters, run.experiment.cells):
        yield "Python", shown(line.removeprefix("interpreter "))
    yield from _git(about)


def _git(about: Object) -> Iterator[tuple[str, str]]:
    git = object_or_empty(about.get("git"))
    revision = text_or_none(git.get("revision"))
    if revision:
        changed = ", with changes" if git.get("changed") is True else ""
        yield "Sources", f"{shown(revision)[:_SHORT]}{changed}"
