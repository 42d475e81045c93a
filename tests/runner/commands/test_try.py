# SPDX-License-Identifier: BSD-3-Clause
"""`try`: two designs beside each other, without a file."""

import json
import re

import pytest
from tests.runner.desk import Desk


def test_two_designs_are_measured_in_turns_and_told_in_a_sentence(desk: Desk) -> None:
    done = desk.invoke("try", "c-sync", "c-mt", "-n", "20", "--seconds", "6", "--duration", "0.2s")
    assert done.returncode in (0, 4), done.stdout + done.stderr
    answers = r"(c-sync|c-mt) is [0-9.]+ times \[.*\] as fast as (c-sync|c-mt)"
    too_short = (
        r"too short to say: c-sync is between|which of c-sync and c-mt is faster is not known"
    )
    assert re.search(f"^({too_short if done.returncode else answers})", done.stdout, re.MULTILINE)
    assert "claims confirmed" not in done.stdout
    measured = [record for record in desk.measured() if record["role"] == "measure"]
    assert {record["cell"] for record in measured} == {record["cell"] for record in measured[:2]}
    assert {record["parameters"]["n"] for record in measured} == {20}
    blocks = [record["block"] for record in measured]
    assert blocks == sorted(blocks)
    assert len(blocks) == 2 * len(set(blocks)), "whole blocks"
    assert desk.run_folder().parent.name == "try"


def test_what_was_tried_can_be_shown_again(desk: Desk) -> None:
    first = desk.invoke("try", "c-sync", "c-mt", "-n", "5", "--seconds", "3", "--duration", "0.1s")
    assert first.returncode in (0, 4), first.stdout + first.stderr
    again = desk.invoke("report", "try", "--format", "json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["run"]["title"] == "c-sync beside c-mt"
    listed = desk.invoke("runs", "--format", "json")
    assert listed.returncode == 0, listed.stderr


@pytest.mark.parametrize(
    ("words", "said", "advice"),
    [
        (("c-sync", "c-mtt"), 'there is no backend "c-mtt"', 'did you mean "c-mt"?'),
        (("c-mt", "c-mt"), "both are c-mt", "name two"),
        (("c-mt", "mt_server"), "both are c-mt", "name two"),
        (("c-sync", "c-mt", "--seconds", "soon"), "--seconds soon: not how long", "from 3 to 3600"),
        (("c-sync", "c-mt", "--seconds", "nan"), "--seconds nan: not how long", "from 3 to 3600"),
        (("c-sync", "c-mt", "--seconds", "1"), "--seconds 1: not how long", "from 3 to 3600"),
        (("c-sync", "c-mt", "--blocks", "3"), "--blocks is no option of try", "leave it out"),
        (("c-sync", "c-mt", "--backend", "py-mt"), "--backend is no option of try", "leave it out"),
        (("c-sync", "c-mt", "-n", "many"), "-n many", ""),
    ],
)
def test_a_mistake_is_told_with_what_to_do_and_nothing_is_begun(
    desk: Desk, words: tuple[str, ...], said: str, advice: str
) -> None:
    done = desk.invoke("try", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert not desk.results.exists()


def test_one_name_alone_says_what_is_missing(desk: Desk) -> None:
    done = desk.invoke("try", "c-mt")
    assert done.returncode != 0
    assert "try needs SECOND" in done.stderr
