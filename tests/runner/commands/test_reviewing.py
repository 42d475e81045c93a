# SPDX-License-Identifier: BSD-3-Clause
"""`report`, `compare` and `runs` as a person types them: what is printed, and how they end."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.processes import ending
from tests.runner.desk import SMALL
from tests.runner.stored_runs import CLAIMS, make_run, rewrite_journal
from tests.runner.warm import words_before

from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.refused import Refused

OLD, NEW = "2026-11-24T2255-63e1", "2026-11-25T0700-0001"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder with two runs of `gil`, which the commands use."""
    folder = tmp_path / "results"
    make_run(folder / "gil" / OLD)
    make_run(folder / "gil" / NEW, seed=2)
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    return folder


def name_source(run: Path, path: str, number: int) -> None:
    """Make a run one of a file."""
    plan = json.loads((run / "plan.json").read_text())
    head = {"schema": plan["schema"], "number": number, "source_path": path}
    (run / "plan.json").write_text(json.dumps({**head, **plan, **head}, indent=2))


def test_a_name_that_could_mean_another_files_run_is_said(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name_source(results / "gil" / OLD, "a/gil.toml", 1)
    name_source(results / "gil" / NEW, "b/gil.toml", 2)
    assert reviewing.report("gil", "text", "", "", replace=False) == 0
    told = capfd.readouterr()
    assert NEW in told.out
    other = os.path.relpath(results.parent / "a" / "gil.toml")
    assert f"this run is of b/gil.toml; others of that name are called {other}" in told.err
    assert reviewing.report(f"gil/{OLD}", "text", "", "", replace=False) == 0
    assert "others of that name" not in capfd.readouterr().err
    name_source(results / "gil" / NEW, "a/gil.toml", 2)
    assert reviewing.report("gil", "text", "", "", replace=False) == 0
    assert "others of that name" not in capfd.readouterr().err


def invoke(*words: str | Path, **how: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*words_before(os.environ), *map(str, words)],
        cwd=CHECKOUT,
        text=True,
        timeout=60,
        check=False,
        stderr=subprocess.PIPE,
        **({"stdout": subprocess.PIPE} | how),
    )


def refused(action: object) -> Refused:
    with pytest.raises(Refused) as caught:
        action()  # type: ignore[operator]
    assert len(str(caught.value).splitlines()) <= 2
    return caught.value


def report(run: str = "gil", format_name: str = "text", output: str = "", claims: str = "",
           replace: bool = False) -> int:  # fmt: skip
    return reviewing.report(run, format_name, output, claims, replace=replace)


def test_report_shows_what_run_showed(tmp_path: Path, programs: Path) -> None:
    assert programs.is_dir()
    (tmp_path / "small.toml").write_text(SMALL.format(blocks=5, above=1))
    own = {"FIBENCH_RESULTS": str(tmp_path / "results"), "FIBENCH_LOCK": f"fibench-test-{tmp_path}"}
    environment = {**os.environ, **own, "COLUMNS": "100"}
    shown = invoke("run", tmp_path / "small.toml", env=environment)
    again = invoke("report", "small", env=environment)
    # 4: the claim was inconclusive, as it may be beside other tests.
    assert shown.returncode in (0, 4), shown.stderr
    assert again.returncode == 0, again.stderr
    before = shown.stdout.splitlines()
    after = [line for line in again.stdout.splitlines() if "overhead" not in line]
    assert [line for line in after if line not in before] == []
    assert any(line.startswith(("CONFIRMED", "INCONCLUSIVE")) for line in after)
    assert after[-1].startswith("results: ")


def test_report_of_a_name_is_of_the_latest_run(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert report() == 0
    text = capfd.readouterr().out
    assert "CONFIRMED" in text
    assert NEW in text
    assert report("gil~1") == 0
    assert OLD in capfd.readouterr().out


def test_report_is_plain_and_complete_in_a_file(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    assert report(output=str(path)) == 0
    text = path.read_text()
    assert "Multiprocess beats threads" in text
    assert "\x1b" not in text
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize("format_name", ["text", "md", "csv", "json", "pyperf"])
def test_claims_added_afterwards_are_marked_in_every_format(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], format_name: str
) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(CLAIMS)
    assert report(format_name=format_name, claims=str(path)) == 0
    text = capfd.readouterr().out
    assert "claims added afterwards" in text.replace("_", " ")
    assert "REFUTED" in text


def test_faults_of_added_claims_have_their_places(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(CLAIMS.replace("py-mp", "py-mpp"))
    with pytest.raises(Refused) as caught:
        report(claims=str(path))
    assert caught.value.status == 2
    assert "claims.toml:4:45: no cell has" in str(caught.value)
    assert 'did you mean "py-mp"?' in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"run": "gli"}, "there is no run"),
        ({"run": "gil~7"}, "gil"),
        ({"format_name": "mdd"}, "--format mdd: no such format"),
        ({"output": "."}, "is a folder"),
        ({"claims": "/nonexistent.toml"}, "cannot be read"),
    ],
)
def test_a_wrong_word_is_told_in_two_lines_with_exit_2(
    results: Path, words: dict[str, str], said: str
) -> None:
    refusal = refused(lambda: report(**words))  # type: ignore[arg-type]
    assert said in str(refusal)
    assert refusal.status == 2


def test_a_file_that_is_there_is_kept_unless_asked(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.md"
    path.write_text("mine")
    refusal = refused(lambda: report(format_name="md", output=str(path)))
    assert refusal.status == 2
    assert "--replace" in str(refusal)
    assert path.read_text() == "mine"
    assert report(format_name="md", output=str(path), replace=True) == 0
    assert path.read_text().startswith("# ")


def test_a_file_that_cannot_be_written_is_one_line(results: Path, tmp_path: Path) -> None:
    refusal = refused(lambda: report(output=str(tmp_path / "none" / "x")))
    assert "cannot write" in str(refusal)
    assert refusal.status == 1
    refusal = refused(lambda: report(output="/dev/full"))
    assert "No space left" in str(refusal)


def test_a_full_disk_is_one_line_without_a_traceback(results: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = invoke("report", "gil", "--format", "json", stdout=full)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "cannot write the output: No space left on device"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", [("report", "gil"), ("compare", "gil~1", "gil"), ("runs",)])
def test_a_closed_pipe_is_one_line_without_a_traceback(
    results: Path, words: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = invoke(*words, stdout=closed)
    assert done.returncode == 1
    assert done.stderr == "the output's reader has gone before the end\n"


def test_a_damaged_line_is_told_and_the_rest_is_shown(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = results / "gil" / NEW / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert report() == 0
    captured = capfd.readouterr()
    said = "line 10 of trials.jsonl: it is torn, or was altered"
    assert said in captured.err
    assert said in captured.out
    assert "CONFIRMED" in captured.out


@pytest.mark.parametrize("words", [("report", "gil"), ("compare", "gil~1", "gil")])
def test_on_a_terminal_a_damaged_line_is_told_once(results: Path, words: tuple[str, ...]) -> None:
    path = results / "gil" / NEW / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    ours, theirs = pty.openpty()
    command = [*words_before(os.environ), *words]
    with ending(subprocess.Popen(command, cwd=CHECKOUT, stdout=theirs, stderr=theirs)) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end has gone
            while data := os.read(ours, 4096):
                shown += data
        assert process.wait() == 0
    os.close(ours)
    assert shown.count(b"line 10 of trials.jsonl") == 1


def test_a_verdict_that_is_another_now_is_told(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = results / "gil" / NEW / "claims.json"
    path.write_text(path.read_text().replace("CONFIRMED", "REFUTED", 1))
    assert report() == 0
    said = "claims.json has REFUTED for multiprocess-beats-threads, and its trials say CONFIRMED"
    told = capfd.readouterr()
    assert said in told.err
    assert "this version" not in told.out + told.err
    path.write_text("{")
    assert refused(report).status == 2


def test_a_damaged_run_is_two_lines_with_exit_2(results: Path) -> None:
    rewrite_journal(results / "gil" / NEW, lambda record: record.pop("metrics"))
    refusal = refused(report)
    assert "has no proper metrics" in str(refusal)
    assert refusal.status == 2


def test_hlog_without_its_package_says_what_to_install(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)
    refusal = refused(lambda: report(format_name="hlog"))
    assert refusal.status == 1
    assert "pip install" in str(refusal)


def test_compare_ends_with_0_whatever_differs(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for format_name in ("text", "md", "csv", "json"):
        assert reviewing.compare("gil~1", "gil", format_name, "", replace=False) == 0
        assert "py-mp" in capfd.readouterr().out
    refusal = refused(lambda: reviewing.compare("gil", "gli", "text", "", replace=False))
    assert refusal.status == 2


def test_compare_takes_several_runs_on_a_side(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(("2026-11-25T0800-0002", "2026-11-25T0900-0003"), start=3):
        make_run(results / "gil" / name, seed=seed)
    for format_name in ("text", "md", "csv", "json"):
        words = ("gil~3,gil~2", f"gil~1, {results}/gil/2026-11-25T0900-0003")
        assert reviewing.compare(*words, format_name, "", replace=False) == 0
        told = capfd.readouterr().out
        assert "py-mp" in told
        assert ("2 runs beside 2" in told) or format_name == "csv"
    done = invoke("compare", "gil~3,gil~2", "gil~1,gil")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 runs beside 2")


def test_a_folder_with_a_comma_in_its_name_is_one_run(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path / "a,b", seed=4)
    assert reviewing.compare("gil", str(tmp_path / "a,b"), "json", "", replace=False) == 0
    assert [len(own) for own in json.loads(capfd.readouterr().out)["runs"].values()] == [1, 1]


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("gil,gli", "there is no run"),
        ("gil,", "a name is missing beside a comma"),
        (f"gil,gil/{NEW}", "are one run"),
    ],
)
def test_a_wrong_list_of_runs_is_told_in_two_lines_with_exit_2(
    results: Path, first: str, said: str
) -> None:
    refusal = refused(lambda: reviewing.compare(first, "gil~1", "text", "", replace=False))
    assert said in str(refusal)
    assert refusal.status == 2


def test_runs_lists_the_results_or_another_folder(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert listed.runs("", "csv", "", "", replace=False) == 0
    assert capfd.readouterr().out.count(f"gil/{NEW}") == 2
    assert listed.runs(str(tmp_path), "text", "gil", "", replace=False) == 0
    assert f"results/gil/{NEW}" in capfd.readouterr().out
    refusal = refused(lambda: listed.runs("", "text", "gli", "", replace=False))
    assert 'did you mean "gil"?' in str(refusal)
    refusal = refused(lambda: listed.runs("/nonexistent", "text", "", "", replace=False))
    assert refusal.status == 2


def test_files_are_named_from_where_the_person_stands(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "claims.toml").write_text(CLAIMS)
    monkeypatch.setenv("FIBENCH_FROM", str(tmp_path))
    assert report(f"results/gil/{OLD}", "json", "out.json", "claims.toml") == 0
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["run"]["name"] == f"gil/{OLD}"
    assert document["claims_added_afterwards"] is True


def test_the_installed_command_has_them_too() -> None:
    code = "import sys; sys.argv = ['fibench', '--list']; from fibench.tasks import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src_py")},
        capture_output=True,
        text=True,
        check=False,
    )
    for name in ("report", "compare", "runs"):
        assert f"  {name} " in done.stdout
    assert "bench" not in done.stdout.replace("fibench", "")
