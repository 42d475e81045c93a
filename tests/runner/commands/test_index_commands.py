# SPDX-License-Identifier: BSD-3-Clause
"""The index over runs as a person asks for it: where it is written, and which runs are in it."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.processes import ending
from tests.runner.desk import INVOKE, SMALL, Desk
from tests.runner.page.class_runs import hand_in
from tests.runner.page.html_reading import read_page_text
from tests.runner.stored_runs import EXPERIMENT, MACHINE, make_run
from tests.runner.warm import words_before

from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.listing.asked import Narrowing
from fibench.commands.listing.index import INDEX
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.parameters import drawn_seed

FIRST, SECOND, THIRD = "2026-11-20T0800-0001", "2026-11-24T2255-0002", "2026-11-28T1730-0003"
EVERY = Narrowing()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of three days and two machines, and a browser that writes down what it is given."""
    folder = tmp_path / "results"
    other = MACHINE | {"processor": "AMD Ryzen 5 5500U", "usable_cores": 6}
    make_run(folder / "gil" / FIRST)
    make_run(folder / "gil" / SECOND, seed=2, environment=other)
    make_run(folder / "course" / THIRD, seed=3, text=EXPERIMENT.replace("n = 27", "n = 20"))
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    return folder


def invoke(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    argv = [*words_before(os.environ), *map(str, words)]
    return subprocess.run(
        argv, cwd=CHECKOUT, text=True, timeout=120, check=False, capture_output=True
    )


def written(which: Narrowing = EVERY, output: str = "", *, replace: bool = False) -> int:
    return listed.runs_page("", "", output, which, replace=replace, opened=False)


def runs_in(page: Path) -> list[str]:
    rows = read_page_text(page.read_text()).every("tr")
    return [row.attributes["data-n"] for row in rows if "data-n" in row.attributes]


def refused(call: Callable[[], object]) -> list[str]:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.status == WRONG_INPUT
    return str(caught.value).splitlines()


def test_it_is_kept_beside_the_runs_and_written_anew(root: Path, tmp_path: Path) -> None:
    for _ in range(2):
        done = invoke("runs", "--html")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"page: {os.path.relpath(root / INDEX, CHECKOUT)}\n"
        assert not (tmp_path / "opened").exists()
    assert sorted(runs_in(root / INDEX)) == sorted(
        [f"gil/{FIRST}", f"gil/{SECOND}", f"course/{THIRD}"]
    )


def test_it_is_opened_in_the_browser_of_the_person(root: Path, tmp_path: Path) -> None:
    done = invoke("runs", "--open", "--experiment", "gil")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "opened").read_text() == f"{(root / INDEX).as_uri()}\n"
    assert runs_in(root / INDEX) == [f"gil/{FIRST}", f"gil/{SECOND}"]


def test_it_is_written_where_it_is_wanted(root: Path, tmp_path: Path) -> None:
    place = tmp_path / "index.html"
    assert written(output=str(place)) == 0
    assert len(runs_in(place)) == 3
    assert not (root / INDEX).exists()
    what, hint = refused(lambda: written(output=str(place)))
    assert what.endswith("the file exists")
    assert "--replace" in hint
    assert written(output=str(place), replace=True) == 0


@pytest.mark.parametrize("kind", ["page", "link", "folder", "fifo"])
def test_what_is_no_index_is_not_written_over(kind: str, root: Path, tmp_path: Path) -> None:
    """Somebody may have handed in a page of that name."""
    place, outside = root / INDEX, tmp_path / "outside"
    outside.write_text("not ours")
    make: dict[str, Callable[[], object]] = {
        "page": lambda: place.write_text("<p>handed in</p>"),
        "link": lambda: place.symlink_to(outside),
        "folder": place.mkdir,
        "fifo": lambda: os.mkfifo(place),
    }
    make[kind]()
    what, hint = refused(written)
    assert what == f"{place} is there, and is no index of runs"
    assert "--output FILE" in hint
    if kind == "link":
        assert written(replace=True) == 0
        assert outside.read_text() == "not ours"
        assert not place.is_symlink()


def test_where_nothing_can_be_written_it_says_so(root: Path) -> None:
    (root / INDEX).mkdir()
    with pytest.raises(Refused, match="cannot write") as caught:
        written(replace=True)
    assert "--output FILE" in str(caught.value)


def test_a_format_that_is_no_page_does_not_go_with_it(root: Path) -> None:
    what, _ = refused(lambda: listed.runs_page("", "csv", "", EVERY, replace=False, opened=False))
    assert what == "--format csv is no page"
    assert invoke("runs", "--format", "html").returncode == 0


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (Narrowing(experiment="course"), [THIRD]),
        (Narrowing(machine="RYZEN"), [SECOND]),
        (Narrowing(machine="6 cores"), [SECOND]),
        (Narrowing(since="2026-11-24"), [SECOND, THIRD]),
        (Narrowing(until="2026-11-24"), [FIRST, SECOND]),
        (Narrowing(since="2026-11-24", until="2026-11-24"), [SECOND]),
        (Narrowing(since="2026-11-24T22:55"), [SECOND, THIRD]),
        (Narrowing(since="2026-11-24 22:56"), [THIRD]),
        (Narrowing(until="2026-11-24T22:54"), [FIRST]),
        (Narrowing(since="2026-11-25T00:30+02:00"), [SECOND, THIRD]),
        (Narrowing(experiment="gil", machine="model", until="2026-12-01"), [FIRST]),
    ],
)
def test_experiment_machine_and_date_narrow_every_format(
    which: Narrowing, found: list[str], root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    how = {"replace": False, "which": which}
    assert listed.runs("", "json", "", "", **how) == 0  # type: ignore[arg-type]
    rows = json.loads(capfd.readouterr().out)["runs"]
    assert sorted({row["run"].rpartition("/")[2] for row in rows}) == sorted(found)
    assert written(which) == 0
    assert sorted(run.rpartition("/")[2] for run in runs_in(root / INDEX)) == sorted(found)


@pytest.mark.parametrize(
    ("which", "what", "hint"),
    [
        (Narrowing(since="yesterday"), "--since yesterday: no such day", "2026-11-23"),
        (Narrowing(until="2026-13-01"), "--until 2026-13-01: no such day", "2026-11-23"),
        (Narrowing(since="x\x1b" * 90), "no such day", "2026-11-23"),
        (Narrowing(since="2026-11-25", until="2026-11-24"),
         "--since 2026-11-25 is after --until 2026-11-24", "swap them"),
        (Narrowing(machine="i9"), "--machine i9: none of the 3 runs is of such a machine",
         "there are: AMD Ryzen 5 5500U, 6 cores, Model 7, 2 cores"),
        (Narrowing(since="2027-01-01"), "none of the 3 runs was made in that time",
         "from 2026-11-20 08:00 to 2026-11-28 17:30"),
        (Narrowing(experiment="gli"), "no run of gli is in", 'did you mean "gil"?'),
    ],
)  # fmt: skip
def test_what_leaves_no_run_is_told_with_what_there_is(
    which: Narrowing, what: str, hint: str, root: Path
) -> None:
    for call in (
        lambda: written(which),
        lambda: listed.runs("", "text", which.experiment, "", replace=False, which=which),
    ):
        first, second = refused(call)
        assert what in first
        assert hint in second
        assert "\x1b" not in first + second
    assert not (root / INDEX).exists()


def test_a_run_of_which_no_time_is_known_is_of_any(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (make_run(root / "gil" / "mine", seed=9) / "plan.json").write_text("{")
    narrowed = Narrowing(since="2026-11-27")
    assert listed.runs("", "json", "", "", replace=False, which=narrowed) == 0
    found = {row["run"] for row in json.loads(capfd.readouterr().out)["runs"]}
    assert found == {f"course/{THIRD}", "gil/mine"}


def test_copies_are_marked_also_of_what_is_left_out(root: Path) -> None:
    make_run(root / "gil" / "2026-11-29T0800-0009")  # the figures of the first one
    assert written(Narrowing(since="2026-11-29")) == 0
    page = read_page_text((root / INDEX).read_text())
    assert f"are also in gil/{FIRST}" in page.by_id("wrong").text


def test_names_stand_in_every_format(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hand_in(tmp_path / "class", ["ada", "Zo\u00eb"])
    for format_name in ("text", "md", "csv", "json"):
        assert listed.runs(str(tmp_path / "class"), format_name, "", "", replace=False) == 0
        told = capfd.readouterr().out
        assert "ada" in told
        assert json.dumps("Zo\u00eb")[1:-1] in told or "Zo\u00eb" in told
        if format_name == "json":
            assert {row["as"] for row in json.loads(told)["runs"]} == {"ada", "Zo\u00eb"}
        if format_name == "text":
            assert told.split()[:3] == ["run", "as", "machine"] or "as" in told.split()[:4]


@pytest.mark.parametrize("format_name", ["text", "md", "json", "html"])
def test_a_report_tells_the_name(
    format_name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for place in hand_in(tmp_path / "class", ["ada", "bob"]):
        assert reviewing.report(
            str([*place.glob("gil/*"), place][0]), format_name, "", "", replace=False
        ) == 0  # fmt: skip
    told = capfd.readouterr().out
    if format_name == "json":
        assert '"as": "ada"' in told
        assert '"as": "bob"' in told
    elif format_name == "html":
        assert "<dt>Made as</dt><dd>ada</dd>" in told
    else:
        assert "ade as ada, seed 27615684812324" in told
        assert "ade as bob" in told


def test_as_is_an_option_that_goes_not_with_seed(tmp_path: Path) -> None:
    for words, what in (
        (("--as", "ada", "--seed", "7"), "--as and --seed are both given"),
        (("--as", ""), "--as: is empty"),
        (("--as", "x" * 65), "has 65 characters"),
        (("--as", "a\nb"), "cannot be seen"),
    ):
        done = invoke("run", "gil", *words)
        assert done.returncode == WRONG_INPUT
        assert what in done.stderr
        assert len(done.stderr.splitlines()) == 2
    assert "--as" in invoke("run", "--help").stdout


def test_a_run_is_made_under_a_name_and_everything_tells_it(desk: Desk) -> None:
    """Interrupted, and gone on with without saying the name again."""
    text = SMALL.format(blocks=5, above=1)
    path = desk.write(text)
    argv = [*INVOKE, "run", str(path), "--as", "Zo\u00eb"]
    with ending(
        subprocess.Popen(
            argv, cwd=CHECKOUT, env={**desk.environment(), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any(line.lstrip().startswith("[") for line in process.stdout), "ended too early"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert "--as Zo\u00eb` resumes it" in said or "--as 'Zo\u00eb'` resumes it" in said
    done = desk.run(path)
    plan = json.loads((desk.run_folder() / "plan.json").read_bytes())
    assert (plan["as"], plan["seed"]) == ("Zo\u00eb", drawn_seed("Zo\u00eb"))
    assert f"made as Zo\u00eb, seed {plan['seed']}" in done.stdout
    assert "<dt>Made as</dt><dd>Zo\u00eb</dd>" in (desk.run_folder() / "report.html").read_text()
    (head, *_) = json.loads(desk.invoke("runs", "--format", "json").stdout)["runs"]
    assert (head["as"], head["marks"]) == ("Zo\u00eb", "")
