# SPDX-License-Identifier: BSD-3-Clause
"""Runs with every kind of claim and outcome, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.runner.page.model_runs import (
    STEADY,
    Document,
    Model,
    experiment_file,
    failed,
    model_run,
)
from tests.runner.page.predicted import expecting
from tests.runner.thread_times import a_thousand, in_processes, not_seen, one_loop, with_a_gil

from fibench.experiment import Belief
from fibench.plan import Trial
from fibench.record import waiting_metrics

HOSTILE = "<b onclick='x'>&amp;\"\u202e\u2066שלום\u200b {{ 7*7 }} ]]>--></script>"
"""Markup, what reorders a line, right-to-left letters, what a template would take for its own."""

OUTCOMES = """\
title = "Every outcome of a claim"
[[matrix]]
backend = ["py-mp", "py-mt", "py-async", "c-sync", "c-mt"]
n = 27
[load]
clients = 8
duration = "2s"
warmup = "200ms"
[plan]
timelines = false
blocks = 12
seed = 7
[[claim]]
says = "Processes beat threads"
because = "The GIL lets one thread at a time run Python code"
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "throughput"
above = 1.3
[[claim]]
says = "Processes are three times as fast as threads"
because = "Somebody said so"
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "throughput"
above = 3
[[claim]]
says = "A loop is as fast as threads, within a tenth"
ratio = [{ backend = "py-async" }, { backend = "py-mt" }]
metric = "throughput"
within = [0.9, 1.1]
[[claim]]
says = "Threads keep one core busy"
value = { backend = "py-mt" }
metric = "cores"
within = [0.9, 1.1]
[[claim]]
says = "Half of the requests take less than half a second"
value = { backend = "py-mt" }
metric = "p50"
below = "0.5s"
[[claim]]
says = "Nothing is refused"
value = { backend = "py-mt" }
metric = "refused"
below = 1
[[claim]]
says = "No request fails"
value = { backend = "py-async" }
metric = "errors"
below = 1
[[claim]]
says = "A machine with many cores is needed"
because = "Nobody has so many here"
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "throughput"
above = 8
needs_cpus = 64
[[claim]]
says = "Threads in C fail"
ratio = [{ backend = "c-mt" }, { backend = "c-sync" }]
metric = "throughput"
above = 1.5
"""

CROSSOVER = """\
title = "From which n on does a process for each request pay?"
[[matrix]]
backend = ["py-mp", "py-sync"]
n = [10, 15, 18, 20, 22, 25, 30]
[load]
clients = 4
duration = "2s"
warmup = "200ms"
[plan]
timelines = false
blocks = 6
seed = 7
[[claim]]
says = "Processes begin to win between n = 18 and n = 25"
because = "There the work overtakes the cost of a fork"
crossover = { over = "n", of = [{ backend = "py-mp" }, { backend = "py-sync" }] }
metric = "throughput"
within = [18, 25]
[[claim]]
says = "They begin to win above n = 22"
crossover = { over = "n", of = [{ backend = "py-mp" }, { backend = "py-sync" }] }
metric = "throughput"
above = 22
"""

GROUPS = """\
title = "Groups of clients"
[matrix]
backend = ["py-mt", "py-async"]
[load]
duration = "2s"
warmup = "200ms"
[[load.group]]
name = "small"
clients = 8
n = 1
rate = "200/s"
[[load.group]]
name = "slow"
clients = 2
n = 25
rate = "1/s"
[plan]
timelines = false
blocks = 6
seed = 7
[[claim]]
says = "A slow request freezes the loop"
value = { backend = "py-async" }
group = "small"
metric = "p99"
above = "60ms"
[[claim]]
says = "Threads keep small ones fast"
ratio = [{ backend = "py-async" }, { backend = "py-mt" }]
group = "small"
metric = "p99"
above = 2
"""

RATES = """\
[[matrix]]
backend = "py-mp-pool"
rate = ["150/s", "200/s"]
[[matrix]]
backend = "py-mp"
rate = ["200/s", "300/s", "400/s"]
[[matrix]]
backend = ["py-mt", "py-async"]
rate = ["200/s", "300/s", "400/s", "500/s", "700/s"]
[[matrix]]
backend = "py-async-mp"
rate = ["300/s", "400/s", "550/s", "750/s", "1000/s"]
"""
"""Of the experiment that searches its rates."""


def _outcomes(document: Document, trial: Trial) -> None:
    """One block of py-async is slow, one trial of c-mt fails, another one cannot refuse nothing."""
    backend, block = trial.cell.backend, trial.block
    if trial.role != "measure":
        return
    if backend == "py-async" and block == 7:
        document["metrics"]["throughput_per_s"] *= 0.43
        document["machine"]["steal_s"] = 0.6
    if backend == "py-async" and block == 3:
        document["counts"]["errors"] = 2
    if backend == "c-mt" and block in (1, 2):
        failed(document, f"the server ended: {HOSTILE}")
    if backend == "py-mt" and block == 4:
        document["disturbed"] = {"kind": "steal", "says": "0.7 s were stolen"}


def outcomes(folder: Path) -> Path:
    """CONFIRMED, REFUTED, INCONCLUSIVE by one block, NOT HERE, INVALID; counts, values, ratios."""
    found = model_run(folder, OUTCOMES, Model(change=_outcomes))
    words = ("x" * 79 + "\n") * 200 + HOSTILE + "\x1b[31mred\x00\n"
    for place in folder.glob("trials/*"):
        if not (place / "load.json").exists():
            (place / "server.err").write_text(words)
    return found


def crossover(folder: Path) -> Path:
    """A crossing, and claims about its place."""

    def rate(trial: Trial) -> float:
        n = trial.cell.parameters.n or 0
        work_s = 2e-6 * 1.618**n
        fork_s = 0.012
        if trial.cell.backend == "py-mp":
            return 2.0 / (work_s + fork_s)
        return 1.0 / (work_s + 0.0001)

    return model_run(folder, CROSSOVER, Model(rate=rate))


def groups(folder: Path, text: str = GROUPS) -> Path:
    """Client groups with latencies of their own."""

    def change(document: Document, trial: Trial) -> None:
        slow = 0.15 if trial.cell.backend == "py-async" else 0.03
        slow *= 1.0 + 0.01 * (trial.index % 5)
        figures = {"throughput_per_s": 200.0, "p50_s": 0.02, "p90_s": 0.03, "p99_s": slow}
        counts = {"window_ok": 2000, "errors": 0, "refused_by_cap": 0}
        few = {"window_ok": 2, "errors": 0, "refused_by_cap": 0}
        document["groups"] = {
            "small": {"metrics": figures, "counts": counts, "lag_p99_s": 0.0001},
            "slow": {"metrics": {"p50_s": 0.2}, "counts": few, "lag_p99_s": 0.0001},
        }

    return model_run(folder, text, Model(change=change))


def sweep(folder: Path) -> Path:
    """Rates that are sustained, and where servers are saturated."""
    most = {
        "py-mp-pool": 90.0, "py-mp": 260.0, "py-mt": 420.0, "py-async": 450.0, "py-async-mp": 800.0
    }  # fmt: skip

    def change(document: Document, trial: Trial) -> None:
        due = trial.cell.parameters.rate
        if due is None:
            return
        metrics, capacity = document["metrics"], most[trial.cell.backend]
        busy = due / capacity
        document["checks"] |= {"lag_p99_s": 0.0001, "offered_per_s": due, "sent_share": 1.0}
        names = ("p50_s", "p90_s", "p99_s", "max_s")
        if busy >= 1.0:
            metrics |= {"throughput_per_s": capacity, **dict.fromkeys(names)}
            document["bounds"] = {name: {"at_least": 0.2, "at_most": None} for name in names[:3]}
            document["checks"]["saturated"] = {"answered_per_s": capacity, "due_per_s": due}
            return
        wait = (0.02 + 0.003 / (1.0 - busy)) * (1.0 + 0.01 * (trial.index % 4))
        metrics["throughput_per_s"] = due
        metrics |= {name: wait * k for name, k in zip(names, (1.0, 1.3, 1.9, 3.0), strict=True)}

    text = experiment_file("slo").replace('"100ms"', '"50ms"')  # what these figures pass
    text = text[: text.index("[[matrix]]")] + RATES + text[text.index("[server]") :]
    return model_run(folder, text, Model(change=change))


def gil(folder: Path) -> Path:
    """The experiment of the first page of README, on a quiet machine."""

    def change(document: Document, trial: Trial) -> None:
        if trial.cell.backend == "py-async" and trial.block == 7 and trial.role == "measure":
            document["metrics"]["throughput_per_s"] *= 0.43

    def rate(trial: Trial) -> float:
        if trial.cell.backend == "c-sync" and trial.cell.parameters.n == 34:
            return 79.0
        return STEADY.get(trial.cell.backend, 9000.0)

    text = experiment_file("gil").replace("[plan]\n", "[plan]\nblocks = 12\ntimelines = false\n", 1)
    return model_run(folder, text, Model(rate=rate, change=change))


def interrupted(folder: Path) -> Path:
    """Broken off after two blocks."""
    return model_run(folder, OUTCOMES, blocks=2)


def one_block(folder: Path) -> Path:
    """No interval anywhere."""
    return model_run(folder, OUTCOMES.replace("blocks = 12", "blocks = 1"))


def without_claims(folder: Path) -> Path:
    """Nothing to judge."""
    return model_run(folder, OUTCOMES[: OUTCOMES.index("[[claim]]")])


def _hostile(document: Document, trial: Trial) -> None:
    """What a journal says that somebody has written by hand."""
    _outcomes(document, trial)
    document["label"] = HOSTILE
    if document["disturbed"] is not None:
        document["disturbed"]["says"] = HOSTILE
    if not document["valid"]:
        document |= {"reason": HOSTILE, "hint": HOSTILE}


def hostile(folder: Path) -> Path:
    """Names that are anything but names."""
    said = "".join(c for c in HOSTILE if c.isprintable()).replace('"', '\\"')
    text = OUTCOMES.replace("Every outcome of a claim", said).replace("The GIL lets", said)
    text = text.replace("Processes beat threads", said, 1)
    machine = {"schema": 1, "processor": HOSTILE, "kernel": HOSTILE, "usable_cores": 2}
    return model_run(folder, text, Model(environment=machine, change=_hostile))


def predicted(folder: Path) -> Path:
    """Every outcome, and what was expected before: right, wrong, too close, or nothing."""
    said: list[Belief | None] = [
        "holds", "holds", "too close", "too close", None, "holds", "does not hold", None, "holds"
    ]  # fmt: skip
    return expecting(outcomes(folder), said)


def watched(folder: Path) -> Path:
    """Servers whose threads were looked at: few, one, a thousand with names of theirs, and one that
    could not be."""
    times = {
        "py-mp": in_processes(), "py-mt": with_a_gil(), "py-async": one_loop(),
        "c-sync": not_seen(HOSTILE), "c-mt": a_thousand(HOSTILE[:40]),
    }  # fmt: skip

    def change(document: Document, trial: Trial) -> None:
        if trial.role != "timeline":
            return
        time = times[trial.cell.backend]
        document["timeline"] = time.as_document()
        document["metrics"] = waiting_metrics(time)

    text = OUTCOMES.replace("timelines = false\n", "").replace("blocks = 12", "blocks = 6")
    return model_run(folder, text, Model(change=change))


KINDS: Mapping[str, Callable[[Path], Path]] = {
    one.__name__: one
    for one in (
        outcomes, crossover, groups, sweep, gil, interrupted, one_block, without_claims, hostile,
        predicted, watched,
    )
}  # fmt: skip
