# SPDX-License-Identifier: BSD-3-Clause
"""The pages of the designs: whole, and as fresh as the sources they show."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tests.here import CHECKOUT

import fibench.develop.pages.__main__ as command
from fibench.backends.catalogue import read_catalogue
from fibench.develop.pages import sources
from fibench.develop.pages.counts import (
    ALONE,
    ANEW,
    TOGETHER,
    TOTAL,
    Calls,
    Load,
    loads,
    read_failures,
    table,
)
from fibench.develop.pages.pages import FOLDER, INDEX, Block, PageError, blocks, fill, pages
from fibench.develop.pages.waits import COLUMNS_OF_A_PAGE
from fibench.folders import Places, find_places
from fibench.timeline import LETTERS, NOT_THERE
from fibench.trial.untimed.syscalls import absent_reason

CATALOGUE = read_catalogue(CHECKOUT / "catalogue.toml")
PAGES = [pytest.param(path, id=path.stem) for path in pages(CHECKOUT)]
REFRESH = "./dev python -m fibench.develop.pages --sources"
SECTIONS = [
    "Who waits where",
    "System calls of a request",
    "When to choose it",
    "When not",
    "What it teaches",
    "Limits",
    "Which experiment shows it",
    "Beside its neighbours",
]


def blocks_of(path: Path) -> list[Block]:
    return blocks(path.read_text(encoding="utf-8"))


def test_every_backend_has_its_table_on_one_page() -> None:
    counted = Counter(
        block.of for path in pages(CHECKOUT) for block in blocks_of(path) if block.kind == "calls"
    )
    assert counted == {(name,): 1 for name in CATALOGUE}


def test_the_index_leads_to_every_page_and_names_its_backends() -> None:
    index = (CHECKOUT / FOLDER / INDEX).read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[.+?\]\((.+?)\) \| (`.+?) \|", index, re.MULTILINE)
    listed = {page: re.findall("`(.+?)`", backends) for page, backends in rows}
    assert listed == {
        path.name: [block.of[0] for block in blocks_of(path) if block.kind == "calls"]
        for path in pages(CHECKOUT)
    }


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_all_that_is_to_be_said_of_a_design(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall("^## (.+)$", text, re.MULTILINE) == SECTIONS
    picture = text.split("## Who waits where")[1].split("## ")[0]
    assert "```" in picture
    neighbours = [block for block in blocks(text) if block.kind in ("diff", "code")]
    assert neighbours != []


@pytest.mark.parametrize("path", PAGES)
def test_each_backend_of_a_page_has_a_picture_of_who_waits_where(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    section = text.split("## Who waits where")[1].split("\n## ")[0]
    pictures = [block for block in blocks(section) if block.kind == "waits"]
    assert [one.of for one in pictures] == [
        block.of for block in blocks(text) if block.kind == "calls"
    ]
    for one in pictures:
        if not one.text.startswith("Not seen yet: it needs "):
            check_picture(one)


def check_picture(block: Block) -> None:
    """A sentence, rows of letters that are as long as each other, and what the letters are."""
    (name,) = block.of
    before, picture, after = block.text.split("```")
    assert re.match(
        rf"`{name}`, [0-9]+ clients ask for fibonacci\([0-9]+\)\. .+\.$", before.strip()
    )
    assert re.fullmatch(r"Seen on Linux .+\.", after.strip())
    lines = picture.strip("\n").splitlines()
    letters = "".join(LETTERS.values())
    rows = [line.rpartition(" ")[2] for line in lines[: lines.index("") - 1]]
    assert rows
    assert all(re.fullmatch(rf"[{letters}{NOT_THERE}]+", row) for row in rows)
    assert len({len(row) for row in rows}) == 1
    assert all(len(line) <= COLUMNS_OF_A_PAGE for line in lines)
    totals = {
        line.split()[0] for line in lines[lines.index("") + 1 :] if line.split()[1:2] != ["%"]
    }
    assert set("".join(rows)) - {NOT_THERE} <= totals


@pytest.mark.parametrize("path", PAGES)
def test_what_is_shown_of_sources_is_fresh(path: Path) -> None:
    shown = {"diff": sources.difference, "code": sources.code}
    for block in blocks_of(path):
        if block.kind in shown:
            assert block.text == shown[block.kind](CHECKOUT, block), f"stale; run: {REFRESH}"


@pytest.mark.parametrize("path", PAGES)
def test_tables_are_whole(path: Path) -> None:
    for block in blocks_of(path):
        if block.kind == "calls" and not block.text.startswith("Not counted yet: it needs "):
            check_table(block)


def check_table(block: Block) -> None:
    """A column for each load, and rows that add up."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.lines if "|" in line]
    asked = loads(CATALOGUE[block.of[0]])
    assert rows[0] == ["call", *(load.heading for load in asked)]
    *calls, total = rows[2:]
    assert total[0] == TOTAL
    for column in range(1, len(asked) + 1):
        made = sum(float(row[column].split(",")[0] or 0) for row in calls)
        assert float(total[column].strip("*")) == pytest.approx(made, abs=0.1)
    assert re.fullmatch(r"Counted on Linux .+\.", block.lines[-1])


@pytest.mark.parametrize("path", [*PAGES, CHECKOUT / FOLDER / INDEX])
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


def test_only_what_is_between_markers_is_replaced() -> None:
    page = "a\n<!-- calls: x -->\nold\n<!-- end -->\n<!-- diff: p q -->\nkept\n<!-- end -->\nb\n"
    written = fill(page, lambda block: "new\nlines" if block.kind == "calls" else None)
    assert written == page.replace("old", "new\nlines")


@pytest.mark.parametrize(
    "page",
    [
        "<!-- calls: x -->\n",
        "<!-- end -->\n",
        "<!-- calls: x -->\n<!-- calls: y -->\n<!-- end -->\n",
    ],
)
def test_broken_markers_are_no_page(page: str) -> None:
    with pytest.raises(PageError):
        blocks(page)


def test_a_diff_says_in_what_a_change_is_and_leaves_out_what_files_say_of_themselves(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.c").write_text("// About a.\nint main(void)\n{\n    one();\n    return 0;\n}\n")
    (tmp_path / "b.c").write_text("// About b.\nint main(void)\n{\n    one();\n    return 1;\n}\n")
    diff = sources.difference(tmp_path, Block("diff", ("a.c", "b.c"), ()))
    assert diff.splitlines() == [
        *("```diff", "--- a.c", "+++ b.c", "@@ int main(void)"),
        *("     one();", "-    return 0;", "+    return 1;", " }", "```"),
    ]


def test_long_sources_are_folded_away(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text('"""About it."""\n\n' + "pass\n" * 100)
    code = sources.code(tmp_path, Block("code", ("long.py",), ()))
    assert code.startswith("<details><summary>long.py, 100 lines</summary>\n\n```python\npass\n")


def test_calls_that_failed_are_told_from_the_others() -> None:
    summary = (
        "% time     seconds  usecs/call     calls    errors syscall\n"
        " 61.54    0.000016           8         2           write\n"
        " 38.46    0.000010           0        45        21 accept4\n"
        "  0.00    0.000000           0         7         7 rt_sigreturn\n"
        "100.00    0.000026           0        54        28 total\n"
    )
    assert read_failures(summary) == {"accept4": 21}


def test_a_table_has_a_row_for_each_call_that_is_made_often_enough() -> None:
    few = Calls({"recvfrom": 1.0, "brk": 0.01}, {})
    more = Calls({"recvfrom": 1.0, "accept4": 2.0, "brk": 0.02}, {"accept4": 1.0})
    assert table({ALONE: few, ANEW: more}).splitlines() == [
        "| call | 1 client | a connection each |",
        "| --- | --: | --: |",
        "| `recvfrom` | 1.00 | 1.00 |",
        "| `accept4` |  | 2.00, 1.00 in vain |",
        "| others | 0.01 | 0.02 |",
        "| **in all** | **1.01** | **3.02** |",
    ]


def test_tries_of_a_design_that_never_waits_are_no_part_of_a_request() -> None:
    calls = Calls({"recvfrom": 9.0, "sendto": 1.0, "poll": 8.0}, {"recvfrom": 8.0})
    assert calls.of_requests() == Calls({"recvfrom": 1.0, "sendto": 1.0}, {})


def test_who_serves_few_is_not_asked_by_many() -> None:
    def asked(name: str) -> list[Load]:
        return loads(CATALOGUE[name])

    assert asked("c-epoll") == [ALONE, TOGETHER, ANEW]
    assert asked("c-sync") == asked("c-mt-pool") == [ALONE, ANEW]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Path) -> Path:
    """A checkout with the page of epoll, whose table and diff are lost, and an empty index."""
    root = tmp_path / "checkout"
    (root / FOLDER).mkdir(parents=True)
    shutil.copytree(CHECKOUT / "src_c" / "servers", root / "src_c" / "servers")
    page = (CHECKOUT / FOLDER / "epoll.md").read_text(encoding="utf-8")
    (root / FOLDER / "epoll.md").write_text(fill(page, lambda block: "lost"), encoding="utf-8")
    (root / FOLDER / INDEX).write_text("# Index\n")
    here = find_places()
    places = Places(root, programs, here.catalogue, here.experiments, here.results)
    monkeypatch.setattr(command, "find_places", lambda: places)
    return root


@pytest.mark.needs("strace")
def test_calls_are_really_counted_and_threads_looked_at(checkout: Path) -> None:
    assert command.main(["c-epoll"]) == 0
    picture, counted, diff = blocks_of(checkout / FOLDER / "epoll.md")
    check_picture(picture)
    check_table(counted)
    assert "| `sendto` | 1.00 |" in counted.text
    assert "+++ src_c/servers/epoll_server.c" in diff.text


def test_without_strace_sources_are_fresh_and_it_says_what_is_missing(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    absent_reason.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        status = command.main([])
    finally:
        absent_reason.cache_clear()
    picture, counted, diff = blocks_of(checkout / FOLDER / "epoll.md")
    assert (status, picture.text, counted.text) == (1, "lost", "lost")
    assert "+++ src_c/servers/epoll_server.c" in diff.text
    assert capsys.readouterr().err.startswith("calls were not counted: strace is not installed\n")


def test_an_unknown_backend_is_refused_before_anything_is_written(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["c-epol"]) == 1
    assert capsys.readouterr().err.splitlines()[0] == "c-epol is no backend"
    assert all(block.text == "lost" for block in blocks_of(checkout / FOLDER / "epoll.md"))
