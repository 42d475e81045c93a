# SPDX-License-Identifier: BSD-3-Clause
"""`--allow inconclusive`: noise alone does not fail a build, and nothing else is forgiven."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runner.desk import SMALL, Desk
from tests.runner.stored_runs import EXPERIMENT, make_run
from tests.runner.verdict.claims import make_claim

from fibench.commands import review as reviewing
from fibench.commands import run as running
from fibench.commands.graders.allowed import allowed_outcomes
from fibench.commands.refused import UNDECIDED, WRONG_INPUT, Refused, exit_code
from fibench.verdict.judging import Outcome, Verdict

NAME = "2026-11-24T2255-63e1"


@pytest.mark.parametrize(
    ("outcomes", "failed", "status"),
    [
        (["CONFIRMED", "INCONCLUSIVE"], 0, 0),
        (["INCONCLUSIVE", "NOT HERE"], 0, 0),
        (["INCONCLUSIVE", "INVALID"], 0, 4),
        (["INCONCLUSIVE", "REFUTED"], 0, 3),
        (["INCONCLUSIVE"], 1, 5),
    ],
)
def test_only_what_is_inconclusive_is_allowed(
    outcomes: list[Outcome], failed: int, status: int
) -> None:
    verdicts = [Verdict(make_claim(low=1.0), outcome, 0.05) for outcome in outcomes]
    allowed = allowed_outcomes("inconclusive")
    assert exit_code(verdicts, failed, allowed=allowed) == status
    assert exit_code(verdicts, failed, 2, allowed=allowed) == 130
    assert exit_code(verdicts, failed, not_quiet=True, allowed=allowed) == UNDECIDED


@pytest.mark.parametrize(
    ("word", "what_to_do"),
    [
        ("inconclusiv", 'did you mean "inconclusive"?'),
        ("INCONCLUSIVE", 'did you mean "inconclusive"?'),
        ("refuted", "valid: inconclusive"),
        ("inconclusive,invalid", "valid: inconclusive"),
        ("inconclusive,", "valid: inconclusive"),
        ("\x1b[2J", "valid: inconclusive"),
    ],
)
def test_another_word_is_refused_before_anything_is_done(word: str, what_to_do: str) -> None:
    commands: list[Callable[[], int]] = [
        lambda: running.run("no such file", {}, allow=word),
        lambda: reviewing.report("no such run", "text", "", "", replace=False, allow=word),
    ]
    for command in commands:
        with pytest.raises(Refused) as caught:
            command()
        what, hint = str(caught.value).splitlines()
        assert what.startswith("--allow ")
        assert what.isprintable()
        assert hint == what_to_do
        assert caught.value.status == WRONG_INPUT


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "results"
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    return folder


@pytest.mark.parametrize(
    ("bound", "complete", "status"),
    [("1.3", True, 0), ("1.82", True, 0), ("3", True, 3), ("1.3", False, 4)],
)
def test_report_ends_as_run_would_only_for_who_says_what_to_allow(
    results: Path,
    capfd: pytest.CaptureFixture[str],
    bound: str,
    complete: bool,
    status: int,
) -> None:
    text = EXPERIMENT.replace("above = 1.3", f"above = {bound}")
    make_run(results / "gil" / NAME, text=text, complete=complete)
    assert reviewing.report("gil", "json", "", "", replace=False) == 0
    outcomes = {one["outcome"] for one in json.loads(capfd.readouterr().out)["claims"]}
    assert ("INCONCLUSIVE" in outcomes) == (bound == "1.82")
    allowed = reviewing.report("gil", "text", "", "", replace=False, allow="inconclusive")
    assert allowed == status


def test_a_run_that_nothing_but_noise_has_kept_from_a_verdict_ends_with_0(desk: Desk) -> None:
    """One block is never enough."""
    path = desk.write(SMALL.format(blocks=1, above=1))
    assert desk.run(path).returncode == 4
    done = desk.run(path, "--fresh", "--allow", "inconclusive")
    assert "INCONCLUSIVE" in done.stdout
    assert done.returncode == 0, done.stderr
    refused = desk.invoke("run", path, "--allow", "invalid")
    assert refused.returncode == 2
    assert "--allow invalid: that cannot be allowed" in refused.stderr
