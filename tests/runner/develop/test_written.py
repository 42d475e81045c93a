# SPDX-License-Identifier: BSD-3-Clause
"""`invoke bench --statistics` writes every table that docs/statistics.md has a place for."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.here import CHECKOUT

from fibench.develop.bench import choosing, proof, sequential, simulation, sustaining, values
from fibench.develop.bench.written import PAGE, write_tables
from fibench.develop.develop import _bench_statistics

TEXT = "# Head\n<!-- one -->\nold\n<!-- end -->\nbetween\n<!-- two -->\n<!-- end -->\n"


def page_in(folder: Path, text: str) -> Path:
    page = folder / PAGE
    page.parent.mkdir()
    page.write_text(text)
    return page


def test_tables_are_printed_and_written_into_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_in(tmp_path, TEXT)
    write_tables(tmp_path, {"two": iter(["| \\1 | b |", ""])})
    assert page.read_text() == TEXT.replace("two -->\n", "two -->\n\n| \\1 | b |\n\n")
    write_tables(tmp_path, {"two": [], "one": ["new"]})
    assert page.read_text() == TEXT.replace("old", "\nnew").replace("two -->\n", "two -->\n\n")
    assert capsys.readouterr().out == "| \\1 | b |\n\nnew\n"


@pytest.mark.parametrize("text", [TEXT.replace("two", "three"), TEXT + TEXT])
def test_what_has_no_one_place_is_said_before_anything_is_simulated(
    text: str, tmp_path: Path
) -> None:
    page = page_in(tmp_path, text)

    def lines() -> Iterator[str]:
        raise AssertionError("this takes minutes")
        yield ""

    with pytest.raises(SystemExit, match="no one place for the tables of two"):
        write_tables(tmp_path, {"two": lines()})
    assert page.read_text() == text


def test_the_benchmark_of_statistics_writes_all_that_the_page_has_places_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_in(tmp_path, (CHECKOUT / PAGE).read_text())
    names = re.findall("<!-- (.*) -->", page.read_text())
    places = [name for name in names if name != "end"]
    assert "whole runs" in places
    for module in (values, choosing):
        made = {name: ["| made |"] for name in module.tables()}
        monkeypatch.setattr(module, "tables", partial(dict, made))
    printed: list[str] = []
    monkeypatch.setattr(simulation, "print_statistics", partial(printed.append, "claims"))
    monkeypatch.setattr(sustaining, "print_sustained", partial(printed.append, "rates"))
    for module in (sequential, proof):
        monkeypatch.setattr(module, "tables", lambda: ["| made |"])
    _bench_statistics(tmp_path)
    assert printed == ["claims", "rates"]
    for place in places:
        assert f"<!-- {place} -->\n\n| made |\n<!-- end -->" in page.read_text()
