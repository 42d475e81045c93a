# SPDX-License-Identifier: BSD-3-Clause
"""What somebody may do to a run that is kept, each as a function of its folder."""

import json
from pathlib import Path

from tests.runner.records import document_of
from tests.runner.stored_runs import EXPERIMENT

from fibench.experiment.claims import claims_digest
from fibench.folders import find_places
from fibench.store import journal
from fibench.store.stored_run import read_run


def lines_of(folder: Path) -> list[str]:
    return (folder / "trials.jsonl").read_text().splitlines(keepends=True)


def write_lines(folder: Path, lines: list[str]) -> None:
    (folder / "trials.jsonl").write_text("".join(lines))


def claim(folder: Path, place: int, **changes: object) -> None:
    """Alter a claim in claims.json; its estimate by `mean`."""
    document = json.loads((folder / "claims.json").read_text())
    if "mean" in changes:
        document["claims"][place]["estimate"]["mean"] = changes.pop("mean")
    document["claims"][place] |= changes
    (folder / "claims.json").write_text(json.dumps(document))


def drop_claim(folder: Path) -> None:
    document = json.loads((folder / "claims.json").read_text())
    document["claims"].pop()
    (folder / "claims.json").write_text(json.dumps(document))


def alter_figure(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(
        folder, [lines[0].replace('"throughput_per_s":', '"throughput_per_s":1'), *lines[1:]]
    )


def empty_plan(folder: Path) -> None:
    """Without its list nothing would be missing."""
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "trials": []}))


def change_claims(folder: Path) -> None:
    """The bound is another one, and the plan knows what claims there were."""
    experiment = read_run(folder, find_places()).experiment
    plan = json.loads((folder / "plan.json").read_text())
    plan["claims"] = claims_digest(experiment.claims)
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "experiment.toml").write_text(EXPERIMENT.replace("above = 1.3", "above = 3.0"))


def keep_claims(folder: Path, in_file: int = 2) -> None:
    """The plan knows what claims there were, and how many of its file."""
    experiment = read_run(folder, find_places()).experiment
    plan = json.loads((folder / "plan.json").read_text())
    dropped = in_file - len(experiment.claims)
    plan |= {"claims": claims_digest(experiment.claims, dropped), "claims_in_file": in_file}
    (folder / "plan.json").write_text(json.dumps(plan))


NEEDING = EXPERIMENT.replace("above = 1.3", "above = 1.3\nneeds_cpus = 64")
FIRST_ALONE = EXPERIMENT.rpartition("[[claim]]")[0]


def need_more(folder: Path) -> None:
    """A claim needs what this machine does not have."""
    keep_claims(folder)
    (folder / "experiment.toml").write_text(NEEDING)


def take_claims_out(folder: Path, in_file: int = 2) -> None:
    """Those that options had dropped, too."""
    keep_claims(folder, in_file)
    (folder / "experiment.toml").write_text(FIRST_ALONE)
    drop_claim(folder)


def other_boot(folder: Path) -> None:
    """environment.json of a run that was made elsewhere."""
    plan = json.loads((folder / "plan.json").read_text())
    plan["identity"] = {"boot_id": "another"}
    (folder / "plan.json").write_text(json.dumps(plan))


def again(folder: Path, place: int) -> None:
    """A second line for an attempt that has one, with another note and a right digest."""
    record = document_of(lines_of(folder)[place])
    journal.append(folder / "trials.jsonl", {**record, "note": "again"})
