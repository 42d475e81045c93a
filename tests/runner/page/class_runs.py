# SPDX-License-Identifier: BSD-3-Clause
"""A class's hand-ins: folders of runs and pages, some of them damaged, altered or copied."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.runner.judged_runs import judged
from tests.runner.page.kinds import HOSTILE, OUTCOMES
from tests.runner.page.model_runs import STEADY, Model, model_run
from tests.runner.stored_runs import MACHINE

from fibench.develop.bench.listing import make_runs
from fibench.page import page_of
from fibench.parameters import drawn_seed
from fibench.plan import Trial
from fibench.report.runs import ListedRun, Wanted, listed_runs

BLOCKS = 6
TEXT = OUTCOMES.replace("blocks = 12", f"blocks = {BLOCKS}")
CLAIMS = TEXT.count("[[claim]]")
MACHINES = ("Model(R) 7 CPU @ 3.00GHz", "Other(R) 9 CPU", "AMD Ryzen 5 5500U with Radeon Graphics")


def person_run(
    folder: Path, name: str, number: int = 0, text: str = TEXT, seed: int | None = None
) -> Path:
    """A run that was made under a name, in a folder; each number has figures of its own. Its seed
    is that which the name draws, or another one."""
    drawn = drawn_seed(name) if seed is None else seed

    def rate(trial: Trial) -> float:
        slower = 1.0 + 0.06 * (number % 7)
        return STEADY.get(trial.cell.backend, 100.0) / (
            slower if trial.cell.backend == "py-mp" else 1.0
        )

    def change(document: dict[str, object], trial: Trial) -> None:
        document["started_at"] = (
            f"2026-11-{20 + number % 9}T08:{trial.index // 60:02d}:{trial.index % 60:02d}"
            f".{number:03d}+00:00"
        )

    machine = MACHINE | {"processor": MACHINES[number % len(MACHINES)]}
    model = Model(
        rate=rate, change=change, noise=0.01 + 0.003 * number, environment=machine, loads=False,
        plan={"source": "gil.toml"} | ({"as": name} if name else {}),
    )  # fmt: skip
    at = folder / "gil" / f"2026-11-{20 + number % 9}T0800-{number:04x}"
    return model_run(at, text.replace("seed = 7", f"seed = {drawn}"), model)


def hand_in(root: Path, people: Sequence[str]) -> list[Path]:
    """A hand-in of each person, the first half of them as folders, the others as pages."""
    places = []
    for number, name in enumerate(people):
        if number < len(people) // 2:
            places.append(person_run(root / name, name, number))
            continue
        folder = person_run(root.parent / "away" / name, name, number)
        page = root / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(page_of(judged(folder)))
        places.append(page)
    return places


def spoilt_class(root: Path) -> None:
    """A small class in which everything happened: besides good hand-ins a copy, one under another
    name, one with other bounds, one measured otherwise, one whose verdict was altered, one that was
    interrupted, and two that cannot be read."""
    folder, *_ = hand_in(root, ["ada", "bob", "cyd", "dee"])
    shutil.copytree(folder, root / "eve" / "gil" / folder.name)
    stolen = root / "fay" / "gil" / folder.name
    shutil.copytree(folder, stolen)
    plan = json.loads((stolen / "plan.json").read_text())
    (stolen / "plan.json").write_text(json.dumps(plan | {"as": "fay"}))
    person_run(root / "gus", "gus", 5, TEXT.replace("above = 1.3\n", "above = 1.1\n"))
    person_run(root / "hal", "hal", 6, TEXT.replace("n = 27", "n = 20"))
    altered = person_run(root / "ida", "ida", 8)
    claims = json.loads((altered / "claims.json").read_text())
    claims["claims"][0]["outcome"] = "REFUTED"
    (altered / "claims.json").write_text(json.dumps(claims))
    (person_run(root / "jon", "jon", 9) / "claims.json").unlink()
    (person_run(root / "kim", "kim", 10) / "plan.json").write_text("{")
    (root / "leo.html").write_text(
        '<script type="application/gzip" id="run" data-name="x.tar.gz" data-sha256="'
        + "0" * 64 + '">\nAAAA\n</script>'
    )  # fmt: skip


def hostile_class(root: Path) -> None:
    """Names of folders, machines and titles that are anything but names."""
    said = "".join(c for c in HOSTILE if c.isprintable()).replace('"', '\\"')
    text = TEXT.replace("Every outcome of a claim", said)
    text = text.replace("Processes beat threads", said, 1)
    name = HOSTILE.replace("/", "|")
    run = person_run(root / name[:60], "ann", 1, text)
    machine = json.loads((run / "environment.json").read_text()) | {"processor": HOSTILE}
    (run / "environment.json").write_text(json.dumps(machine))
    plan = json.loads((run / "plan.json").read_text()) | {"as": HOSTILE, "seed": 1}
    (run / "plan.json").write_text(json.dumps(plan))
    person_run(root / "javascript:alert(1)", "", 2, text, seed=5)


def history(root: Path, count: int = 5) -> None:
    """Runs of one machine over time."""
    for number in range(count):
        person_run(root, "", 3 * number, seed=100 + number)


def many_runs(root: Path, count: int) -> list[ListedRun]:
    """As many runs as a large year has: those of a class that was made, and others like them."""
    make_runs(root, 20)
    made = every_run(root)
    return [
        replace(one, rows=[replace(row, run=f"student-{number:03d}/{row.run}") for row in one.rows])
        for number in range(count)
        for one in [made[number % len(made)]]
    ]


def every_run(root: Path) -> list[ListedRun]:
    return listed_runs(root, Wanted())
