# SPDX-License-Identifier: BSD-3-Clause
"""Pages as a person asks for them, and hands them in."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.here import CHECKOUT
from tests.runner.desk import SMALL, Desk, run_with_a_trial_finished
from tests.runner.stored_runs import make_run
from tests.runner.warm import words_before

from fibench.commands import page as paging
from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.refused import NOT_STARTED, WRONG_INPUT, Refused
from fibench.folders import find_places
from fibench.page import page_of
from fibench.store import open_run
from fibench.store.carrying.pages import ALTERED
from fibench.verdict import review

OLD, NEW = "2026-11-24T2255-63e1", "2026-11-25T0700-0001"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder with two runs of `gil`, and a browser that writes down what it is given."""
    folder = tmp_path / "results"
    make_run(folder / "gil" / OLD)
    make_run(folder / "gil" / NEW, seed=2)
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    return folder


def invoke(*words: str | Path, **how: object) -> "subprocess.CompletedProcess[str]":
    argv = [*words_before(os.environ), *map(str, words)]
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        argv, cwd=CHECKOUT, text=True, timeout=120, check=False,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how),
    )  # fmt: skip


def test_a_page_is_written_where_it_is_wanted(results: Path, tmp_path: Path) -> None:
    printed = invoke("report", "gil", "--format", "html")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.startswith("<!doctype html>")
    path = tmp_path / "page.html"
    assert invoke("report", "gil", "--format", "html", "--output", path).returncode == 0
    assert path.read_text() == printed.stdout
    again = invoke("report", "gil", "--format", "html", "--output", path)
    assert again.returncode == WRONG_INPUT
    assert again.stderr.splitlines()[1] == "give another name, or --replace"


def test_it_is_opened_in_the_browser_of_the_person(results: Path, tmp_path: Path) -> None:
    done = invoke("report", "gil", "--open")
    assert (done.returncode, done.stderr) == (0, "")
    page = results / "gil" / NEW / "report.html"
    assert done.stdout == f"page: {os.path.relpath(page, CHECKOUT)}\n"
    assert (tmp_path / "opened").read_text() == f"{page.as_uri()}\n"
    judged = review(open_run("gil", find_places()))
    assert page.read_text() == page_of(judged).replace(
        "invoke report report.html", re.search(r"<code>(.*report report\.html)</code>",
                                               page.read_text())[1]  # type: ignore[index]
    )  # fmt: skip


@pytest.mark.parametrize("format_name", ["text", "json"])
def test_what_is_no_page_cannot_be_opened(format_name: str, results: Path) -> None:
    with pytest.raises(Refused, match="--open shows a page") as caught:
        reviewing.report("gil", format_name, "", "", replace=False, opened=True)
    assert caught.value.status == WRONG_INPUT


def test_a_page_is_not_for_a_terminal(results: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        done = invoke("report", "gil", "--format", "html", stdout=theirs)
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == WRONG_INPUT
    assert "a page is not for a terminal" in done.stderr
    assert "--open shows it in a browser" in done.stderr


@pytest.fixture
def handed_in(results: Path, tmp_path: Path) -> Path:
    """A folder of pages, as a teacher has it."""
    folder = tmp_path / "handed-in"
    folder.mkdir()
    for name, run in (("ada.html", OLD), ("bob.html", NEW)):
        judged = review(open_run(f"gil/{run}", find_places()))
        (folder / name).write_text(page_of(judged))
    (folder / "notes.html").write_text("<p>no run</p>")
    return folder


@pytest.mark.parametrize("format_name", ["text", "md", "csv", "json", "html", "pyperf"])
def test_a_page_is_reported_as_its_run_is(
    format_name: str, handed_in: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert reviewing.report(str(handed_in / "ada.html"), format_name, "", "", replace=False) == 0
    told = capfd.readouterr()
    assert told.err == ""
    assert told.out
    if format_name == "text":
        assert told.out.rstrip().endswith("ada.html"), "where it is, for the person"
    if format_name == "json":
        assert [one["outcome"] for one in json.loads(told.out)["claims"]] == ["CONFIRMED"] * 2


@pytest.mark.needs("hdrhistogram")
def test_a_page_has_no_histograms_and_says_so(handed_in: Path) -> None:
    with pytest.raises(Refused, match="a page carries no histograms"):
        reviewing.report(str(handed_in / "ada.html"), "hlog", "", "", replace=False)


def test_pages_are_compared(handed_in: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ada, bob = (str(handed_in / name) for name in ("ada.html", "bob.html"))
    assert reviewing.compare(ada, bob, "json", "", replace=False) == 0
    assert json.loads(capfd.readouterr().out)
    with pytest.raises(Refused, match="are one run"):
        reviewing.compare(f"{ada},{ada}", bob, "json", "", replace=False)


def test_a_folder_of_pages_is_listed(handed_in: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_run(handed_in / "gil" / OLD, seed=3)
    assert listed.runs(str(handed_in), "json", "", "", replace=False) == 0
    rows = json.loads(capfd.readouterr().out)["runs"]
    assert [row["run"] for row in rows] == [
        name for name in ("ada.html", "bob.html", f"gil/{OLD}") for _ in range(2)
    ]
    assert {row["outcome"] for row in rows} == {"CONFIRMED"}
    assert {row["marks"] for row in rows} == {""}


def test_a_page_that_was_altered_is_marked_everywhere(
    handed_in: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = handed_in / "ada.html"
    text = page.read_text()
    found = re.search(r'data-sha256="([0-9a-f]{64})"', text)
    assert found is not None
    page.write_text(text.replace(found[1], "0" * 64))
    assert reviewing.report(str(page), "md", "", "", replace=False) == 0
    told = capfd.readouterr()
    assert ALTERED in told.err
    assert ALTERED in told.out
    assert listed.runs(str(handed_in), "json", "", "", replace=False) == 0
    rows = json.loads(capfd.readouterr().out)["runs"]
    assert {row["marks"] for row in rows if row["run"] == "ada.html"} == {ALTERED}
    assert reviewing.report(str(page), "html", "", "", replace=False) == 0
    warned = re.findall(r'<p class="warning">.*?</p>', capfd.readouterr().out)
    assert any(ALTERED in warning for warning in warned), "a page made of it says so as well"
    throughput = reviewing.Pictures("svg", "throughput")
    assert reviewing.charts(str(page), throughput, "", "", replace=False) == 0
    assert f"warning: {ALTERED}" in capfd.readouterr().out, "and so do its charts"


def test_a_page_is_not_written_over_the_run_that_it_carries(handed_in: Path) -> None:
    with pytest.raises(Refused, match="read from a page") as caught:
        reviewing.report(str(handed_in / "ada.html"), "html", "", "", replace=False, opened=True)
    assert "--output FILE" in str(caught.value)


def test_that_no_page_can_be_written_changes_nothing_else(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = results / "gil" / NEW
    (folder / "plan.json").write_text("{")
    assert paging.keep_page(folder, find_places()) is None
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith("warning: no page was written: ")
    assert f"report gil/{NEW} --format html --open" in told[0]


def draw(*words: str, output: str | Path = "", replace: bool = False) -> int:
    """`report gil`, of charts: a format, and a chart's name."""
    format_name, chart = (*words, "", "")[:2]
    return reviewing.charts(
        "gil", reviewing.Pictures(format_name, chart), str(output), "", replace=replace
    )


def test_a_chart_is_written_by_its_name(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert draw("svg", "throughput") == 0
    printed = capfd.readouterr().out
    assert ElementTree.fromstring(printed).tag.endswith("svg")
    assert draw("", "throughput", output=tmp_path / "one.svg") == 0, "svg is what is meant"
    assert (tmp_path / "one.svg").read_text() == printed
    with pytest.raises(Refused, match="the file exists"):
        draw("svg", "throughput", output=tmp_path / "one.svg")


def test_without_a_name_there_are_all_of_them_in_a_folder(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "charts"
    assert draw("svg", output=folder) == 0
    names = {path.name.removesuffix(".svg") for path in folder.iterdir()}
    assert {"throughput", "cores", "trials", "claim-multiprocess-beats-threads"} <= names
    for path in folder.iterdir():
        ElementTree.parse(path)
    with pytest.raises(Refused, match="the file exists"):
        draw("svg", output=folder)
    assert draw("svg", output=folder, replace=True) == 0


def test_which_charts_there_are_is_said(results: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"which chart\? there are claim-.*, throughput, ") as caught:
        draw("svg")
    assert str(caught.value).splitlines()[1] == ("--chart NAME, or --output FOLDER for all of them")
    with pytest.raises(Refused, match='this run has no such chart\ndid you mean "throughput"'):
        draw("svg", "troughput")
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match=r"--output .*file: .*\ngive a folder"):
        draw("svg", output=tmp_path / "file")


def test_a_chart_is_a_picture_and_nothing_else(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="--chart asks for a picture, and --format md is none"):
        draw("md", "throughput")
    opened = reviewing.Pictures("svg", "throughput", opened=True)
    with pytest.raises(Refused, match="--open shows a page, and no chart"):
        reviewing.charts("gil", opened, "", "", replace=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(Refused, match="a chart is not for a terminal"):
        draw("svg", "throughput")


@pytest.mark.needs("a font")
def test_a_chart_is_written_as_pixels(results: Path, tmp_path: Path) -> None:
    piped = tmp_path / "piped.png"
    with open(piped, "wb") as stream:
        done = invoke("report", "gil", "--chart", "cores", "--format", "png", stdout=stream)
    assert (done.returncode, done.stderr) == (0, "")
    assert draw("png", "cores", output=tmp_path / "cores.png") == 0
    written = (tmp_path / "cores.png").read_bytes()
    assert written == piped.read_bytes()
    assert written.startswith(b"\x89PNG\r\n")


def test_without_what_makes_pixels_nothing_is_written(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(Refused, match="which is not installed\ninstall it: ") as caught:
        draw("png", output=tmp_path / "charts")
    assert caught.value.status == NOT_STARTED
    assert not (tmp_path / "charts").exists()


def test_every_run_has_its_page(desk: Desk) -> None:
    done = desk.run(desk.write(SMALL.format(blocks=5, above=1)))
    page = desk.run_folder() / "report.html"
    assert f"page: {os.path.relpath(page, CHECKOUT)}" in done.stdout.splitlines()
    name = f"small/{desk.run_folder().name}"
    again = desk.invoke("report", name, "--format", "html")
    assert again.returncode == 0
    assert page.read_text() == again.stdout, "what a run writes is what is made again"


def test_one_that_is_interrupted_has_one_that_says_so_and_then_another(desk: Desk) -> None:
    with run_with_a_trial_finished(desk, 5) as run:
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    page = desk.run_folder() / "report.html"
    assert ">interrupted</b>" in page.read_text()
    done = desk.run(desk.write(SMALL.format(blocks=5, above=1)))
    assert done.stdout
    assert ">interrupted</b>" not in page.read_text()


def test_where_no_page_can_be_written_the_run_ends_as_it_would(desk: Desk) -> None:
    with run_with_a_trial_finished(desk, 5) as run:
        (desk.run_folder() / "report.html").mkdir()
        said, _ = run.communicate(timeout=120)
    assert (desk.run_folder() / "claims.json").exists()
    assert "no page was written" in said
    assert run.returncode in (0, 4, 5)


def test_no_command_loads_what_makes_pages_before_it_makes_one() -> None:
    code = "import sys, fibench.tasks, fibench.commands.run, fibench.commands.review; "
    code += "sys.exit(bool({'jinja2', 'fibench.page', 'webbrowser'} & set(sys.modules)))"
    argv = [sys.executable, "-c", code]
    source = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src_py")}
    assert subprocess.run(argv, env=source, check=False).returncode == 0
