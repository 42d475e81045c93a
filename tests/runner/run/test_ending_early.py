# SPDX-License-Identifier: BSD-3-Clause
"""Runs of real servers that end as soon as their claims are clear."""

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.processes import ending
from tests.runner.desk import CHECKOUT, INVOKE, SMALL, Desk
from tests.runner.records import last_documents

QUICK = SMALL.replace("0.2s", "50ms").replace('warmup = "50ms"', 'warmup = "10ms"')
SEVERAL = "{ least = 5, most = 8 }"
OPEN = """
[[claim]]
says = "Nobody can tell"
id = "open"
value = { backend = "c-sync" }
metric = "errors"
below = 1
"""
"""A count that is met is not decided before the last block."""


def blocks_of(desk: Desk) -> dict[str, set[int]]:
    """Which blocks each cell was measured in, by its label."""
    found: dict[str, set[int]] = {}
    for record in last_documents(desk.records()):
        if record["block"] >= 0:
            found.setdefault(record["label"], set()).add(record["block"])
    return found


def decided(desk: Desk) -> dict[str, object]:
    document = json.loads((desk.run_folder() / "claims.json").read_bytes())
    return {claim["id"]: claim["decided"] for claim in document["claims"]}


def test_a_run_ends_after_the_block_in_which_its_claims_are_clear(desk: Desk) -> None:
    done = desk.run(desk.write(QUICK.format(blocks=SEVERAL, above=1)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "after block 5: 1 of 1 claim decided; nothing is left to measure\n" in done.stdout
    assert "decided after 5 blocks" in " ".join(done.stdout.split())
    assert decided(desk) == {"c-takes-memory": 5}
    assert all(blocks == set(range(5)) for blocks in blocks_of(desk).values())
    assert len(desk.records()) < len(desk.planned())
    plan = json.loads((desk.run_folder() / "plan.json").read_bytes())
    assert (plan["least_blocks"], plan["blocks"]) == (5, 8)
    shown = desk.invoke("report", desk.run_folder())
    assert shown.stderr == ""
    assert "decided after 5 blocks" in " ".join(shown.stdout.split())


def test_cells_leave_with_their_claims_and_others_go_on(desk: Desk) -> None:
    done = desk.run(desk.write(QUICK.format(blocks=SEVERAL, above=1) + OPEN))
    assert done.returncode == 0, done.stdout + done.stderr
    said = "after block 5: 1 of 2 claims decided; no longer measured: c-mt; 1 cell to go on\n"
    assert said in done.stdout
    assert blocks_of(desk) == {
        "c-mt": set(range(5)), "c-sync": set(range(8)), "c-sync (again)": set(range(8)),
    }  # fmt: skip
    assert decided(desk) == {"c-takes-memory": 5, "open": 8}


def test_ctrl_c_leaves_what_is_decided_and_the_same_command_comes_to_the_rest(desk: Desk) -> None:
    path: Path = desk.write(QUICK.format(blocks=SEVERAL, above=1) + OPEN)
    with ending(
        subprocess.Popen(
            [*INVOKE, "run", str(path)], cwd=CHECKOUT, text=True, start_new_session=True,
            env={**desk.environment(), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any(line.startswith("after block 5: ") for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(timeout=60) == 130
    assert "CONFIRMED     C takes memory" in rest
    assert "not decided   Nobody can tell" in rest
    before = desk.records()
    done = desk.run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("resuming ")
    assert desk.records()[: len(before)] == before
    assert blocks_of(desk)["c-mt"] == set(range(5)), "what had left is not measured again"
    assert decided(desk) == {"c-takes-memory": 5, "open": 8}
