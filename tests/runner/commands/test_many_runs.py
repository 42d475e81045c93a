# SPDX-License-Identifier: BSD-3-Clause
"""Many runs at once, and one run that must be no worse than another: what the exit status says."""

from functools import partial
from pathlib import Path

import pytest
from tests.runner.stored_runs import CLAIMS, EXPERIMENT, make_run

from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.listing.asked import Narrowing
from fibench.commands.refused import REFUTED, UNDECIDED, WRONG_INPUT, Refused

OLD, NEW, LAST = "2026-11-24T2255-63e1", "2026-11-25T0700-0001", "2026-11-26T0700-0002"
OTHER_CLAIMS = CLAIMS.replace("py-mt", "c-mt").replace("py-mp", "c-mp")


def only(backend: str) -> str:
    """An experiment of one cell, without claims."""
    head = EXPERIMENT.partition("[[claim]]")[0]
    return head.replace('["py-mp", "py-mt"]', f'"{backend}"')


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "results"
    make_run(folder / "gil" / OLD)
    make_run(folder / "gil" / NEW, factor=0.7, seed=2)
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    return folder


def held(first: str, second: str, allowed: str) -> int:
    return reviewing.compare(first, second, "csv", "", replace=False, allowed=allowed)


def test_what_is_surely_worse_by_more_than_is_allowed_is_an_exit_status_and_a_line(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert held("gil~1", "gil", "5%") == REFUTED
    told = capfd.readouterr().err
    assert "worse by more than 5 %: py-mp throughput ×0.7" in told
    assert "worse by more than 5 %: py-mt p50 ×1.4" in told


def test_what_is_better_or_within_what_is_allowed_passes(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert held("gil", "gil~1", "5%") == 0
    assert held("gil~1", "gil", "60%") == 0
    assert "worse by more" not in capfd.readouterr().err


def test_a_run_beside_itself_is_said_to_be_and_passes(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = reviewing.compare("gil", f"gil/{NEW}", "text", "", replace=False, allowed="1%")
    assert status == 0
    assert "first and second are one run" in capfd.readouterr().out


def test_where_there_is_nothing_to_compare_nothing_is_decided(
    results: Path, tmp_path: Path
) -> None:
    make_run(tmp_path / "one", text=only("py-mp"))
    make_run(tmp_path / "other", text=only("py-mt"))
    assert held(str(tmp_path / "one"), str(tmp_path / "other"), "5%") == UNDECIDED


@pytest.mark.parametrize("text", ["5", "0%", "-5%", "five", "5 percent", "1e9%"])
def test_what_is_no_percentage_is_told(results: Path, text: str) -> None:
    with pytest.raises(Refused, match="not a percentage above 0\n--fail-above 5%") as refused:
        held("gil~1", "gil", text)
    assert refused.value.status == WRONG_INPUT


def test_a_matrix_has_a_row_for_each_run_and_a_column_for_each_claim(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(3, 31):
        make_run(results / "gil" / f"2026-11-27T{number:04d}-00{number:02d}", seed=number)
    assert listed.runs("", "text", "", "", replace=False, matrix=True) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["gil", "1", "2"]
    assert f"gil/{OLD}  C C" in lines
    assert lines[31] == "  1  multiprocess-beats-threads: 30 of 30 CONFIRMED"
    assert lines[32] == "  2  refusals: 30 of 30 CONFIRMED"
    assert len(lines) <= 40, "30 runs of two claims"
    assert max(map(len, lines)) <= 100


def test_a_matrix_tells_what_is_wrong_with_a_run(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    claims = results / "gil" / OLD / "claims.json"
    claims.write_text(claims.read_text().replace("CONFIRMED", "REFUTED", 1))
    assert listed.runs("", "text", "", "", replace=False, matrix=True) == 0
    told = capfd.readouterr().out
    assert f"gil/{OLD}  C C !" in told
    assert f"! gil/{OLD}: " in told


def test_all_runs_can_be_judged_by_the_claims_of_a_file(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_run(results / "other" / LAST, text=only("py-mp"), seed=3)
    (tmp_path / "claims.toml").write_text(CLAIMS)
    path = str(tmp_path / "claims.toml")
    assert listed.runs("", "text", "", "", replace=False, claims=path) == 0
    told = capfd.readouterr().out
    assert told.count("REFUTED (claims added afterwards)") == 2
    assert told.count("claims of other cells") >= 1
    (tmp_path / "claims.toml").write_text(OTHER_CLAIMS)
    with pytest.raises(Refused, match="no cell has") as refused:
        listed.runs("", "text", "gil", "", replace=False, claims=path)
    assert refused.value.status == WRONG_INPUT


def test_the_page_of_runs_too_can_be_of_the_claims_of_a_file(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_run(results / "gil" / LAST, text=only("py-mp"), seed=3)
    path, page = tmp_path / "claims.toml", tmp_path / "class.html"
    path.write_text(CLAIMS)
    asked = partial(
        listed.runs_page, "", "", str(page), Narrowing("gil"), replace=True, opened=False
    )
    assert asked() == 0
    assert "claims added afterwards" not in page.read_text()
    assert asked(claims=str(path)) == 0
    written = page.read_text()
    assert written.count('<td class="state">claims added afterwards</td>') == 2
    assert written.count('<td class="state">claims of other cells</td>') == 1
    path.write_text(OTHER_CLAIMS)
    with pytest.raises(Refused, match="no cell has"):
        asked(claims=str(path))


def test_a_matrix_is_text() -> None:
    with pytest.raises(Refused, match="--matrix is a table of text"):
        listed.runs("", "csv", "", "", replace=False, matrix=True)
    with pytest.raises(Refused, match="--matrix is a table of text"):
        listed.runs_page("", "", "", Narrowing(), replace=False, opened=False, matrix=True)
