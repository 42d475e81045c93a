# SPDX-License-Identifier: BSD-3-Clause
"""What every page is, whatever came of its run."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from tests.runner.judged_runs import judged
from tests.runner.page.conftest import Pages, ReadPages, Reviewed
from tests.runner.page.html_reading import read_page_text
from tests.runner.page.kinds import HOSTILE, KINDS, OUTCOMES
from tests.runner.page.model_runs import Model, model_run
from tests.runner.stored_runs import make_run

from fibench.page import page_of
from fibench.page.document import script
from fibench.report.words import verdict_words
from fibench.verdict import review
from fibench.verdict.explaining.by_block import figures_by_block
from fibench.verdict.sampling.sampled import samples
from fibench.wording import prose

MOST_SCRIPT_BYTES = 4000


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_well_formed_and_every_link_leads_somewhere(kind: str, read_pages: ReadPages) -> None:
    page = read_pages(kind)
    ids = [node.attributes["id"] for node in page.every() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    links = [node.attributes["href"] for node in page.every() if "href" in node.attributes]
    inside = [link for link in links if not link.startswith("data:")]
    assert {link for link in inside if not link.startswith("#")} == set(), "nothing is elsewhere"
    assert {link.removeprefix("#") for link in inside} - set(ids) == set()
    named = [node.attributes[name] for node in page.every() for name in ("aria-labelledby", "for")
             if name in node.attributes]  # fmt: skip
    assert set(named) - set(ids) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_its_policy_lets_in_one_style_sheet_and_one_script(
    kind: str, read_pages: ReadPages
) -> None:
    page = read_pages(kind)
    (policy,) = (
        node.attributes["content"]
        for node in page.every("meta")
        if node.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    (style,) = page.every("style")
    scripts = [node for node in page.every("script") if "type" not in node.attributes]
    assert len(scripts) == 1
    for node in (style, scripts[0]):
        digest = base64.b64encode(hashlib.sha256(node.text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert re.findall(r"(\w+-src) (?!'sha256-|'none'|data:;)", policy) == []
    for node in page.every():
        assert "style" not in node.attributes
        assert [name for name in node.attributes if name.startswith("on")] == []


def test_the_script_is_small() -> None:
    assert len(script().encode()) <= MOST_SCRIPT_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_each_claim_has_its_card_with_the_words_of_the_terminal(
    kind: str, reviewed: Reviewed, read_pages: ReadPages
) -> None:
    run = reviewed(kind)
    page = read_pages(kind)
    cards = page.every("article", "claim")
    assert len(cards) == len(run.run.experiment.claims)
    strip = page.every("ol", "strip")
    assert sum(len(one.every("li")) for one in strip) == len(cards)
    given = {verdict.claim.id: verdict for verdict in run.verdicts}
    for card, claim in zip(cards, run.run.experiment.claims, strict=True):
        text = " ".join(card.text.split())
        assert prose(claim.says) in text
        if claim.id not in given:
            assert "NOT DECIDED" in text
            continue
        verdict = given[claim.id]
        assert card.attributes["data-outcome"] == verdict.outcome
        assert verdict.outcome in text
        words = verdict_words(verdict)
        for line in (words.figures, *words.told, words.because, words.cause):
            assert line[1:].replace("\N{NO-BREAK SPACE}", " ").replace("`", "") in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_has_a_mark_for_each_block_of_its_claim(
    kind: str, reviewed: Reviewed, read_pages: ReadPages
) -> None:
    run = reviewed(kind)
    page = read_pages(kind)
    cards = page.every("article", "claim")
    given = {verdict.claim.id: verdict for verdict in run.verdicts}
    every = samples(run.run.attempts)
    for card, claim in zip(cards, run.run.experiment.claims, strict=True):
        verdict = given.get(claim.id)
        pictures = card.every("svg", "claimfig")
        if verdict is None or not pictures or claim.kind in ("crossover", "sustains"):
            continue
        blocks = figures_by_block(verdict, every)
        counted = [one for one in blocks if not one.left_out and one.figure is not None]
        dots = [dot for group in pictures[0].every("g", "dots") for dot in group.every("circle")]
        hollow = [dot for group in pictures[0].every("g", "out") for dot in group.every("circle")]
        assert len(dots) == len(counted)
        assert len(hollow) == sum(bool(one.left_out) for one in blocks if one.figure is not None)
        found = verdict.estimate
        if found is not None and found.mean is not None and verdict.count is None:
            assert found.blocks == len(counted), "it rests on those that are drawn as such"


def test_every_outcome_is_told_in_words(read_pages: ReadPages) -> None:
    page = read_pages("outcomes")
    badges = [" ".join(node.text.split()) for node in page.every("p", "badge")]
    assert set(badges) == {"CONFIRMED", "REFUTED", "INCONCLUSIVE", "NOT HERE", "INVALID"}
    assert "It needs 64 physical cores." in page.text
    assert "block 8" in page.text
    lead = " ".join(page.every("p", "lead")[0].text.split())
    assert lead.startswith("4 of 9 claims hold on this machine. 2 are refuted")


def test_what_comes_from_outside_is_shown_as_what_it_is(reviewed: Reviewed) -> None:
    run = reviewed("hostile")
    text = page_of(run)
    page = read_page_text(text)
    assert page.every("b", "") == [b for b in page.every("b") if "onclick" not in b.attributes]
    assert "\u202e" not in text
    assert "\u2066" not in text
    assert "{{ 7*7 }}" in page.every("h1")[0].text
    assert "49" not in page.every("h1")[0].text
    assert "\\u202e" in page.text, "what reorders a line is written out"


def test_what_a_failed_server_wrote_is_there_and_harmless(read_pages: ReadPages) -> None:
    page = read_pages("outcomes")
    (failed,) = page.every("ul", "failed")
    words = failed.every("pre")
    assert len(words) == 2
    assert all("are left out" in pre.text for pre in words)
    assert all("\\x1b[31mred\\x00" in pre.text for pre in words)
    assert all(HOSTILE.partition("\u202e")[0] in pre.text for pre in words)


def test_an_interrupted_run_has_estimates_and_says_so(read_pages: ReadPages) -> None:
    page = read_pages("interrupted")
    assert page.every("b", "interrupted")[0].text == "interrupted"
    lead = "The run was interrupted before any of its claims was decided: these are estimates."
    assert lead in page.text
    assert page.by_id("designs").every("tr")


@pytest.mark.parametrize("kind", KINDS)
def test_all_figures_of_the_terminal_are_in_the_table(
    kind: str, reviewed: Reviewed, read_pages: ReadPages
) -> None:
    run = reviewed(kind)
    page = read_pages(kind)
    rows = page.by_id("t-all").every("tr")[1:]
    cells = [row for row in rows if "data-cell" in row.attributes]
    assert len(cells) == len(run.run.experiment.cells)
    attempts = page.by_id("figures").every("table", "trials")[0].every("tr")
    assert len(attempts) == len(run.run.attempts) + 1


@pytest.mark.parametrize("schema", [1, 2])
def test_a_run_of_an_earlier_version_has_a_page(schema: int, tmp_path: Path) -> None:
    run = judged(make_run(tmp_path / "run", schema=schema))
    page = read_page_text(page_of(run))
    assert len(page.every("article", "claim")) == 2


def test_a_torn_journal_and_lost_loads_are_told(tmp_path: Path) -> None:
    folder = model_run(tmp_path / "run", OUTCOMES, Model(loads=False))
    journal = folder / "trials.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:-1], lines[-1][:40]]))
    page = read_page_text(page_of(judged(folder)))
    warnings = " ".join(node.text for node in page.every("p", "warning"))
    assert "of trials.jsonl: it is torn, or was altered" in warnings
    assert [node for node in page.every("section") if node.attributes["id"] == "latency"] == []


@pytest.mark.parametrize("text", ["", "[", "\0\xff", '[[claim]]\nsays = "x"'])
def test_an_experiment_that_cannot_be_read_is_shown_as_far_as_it_goes(
    text: str, tmp_path: Path
) -> None:
    folder = model_run(tmp_path / "run", OUTCOMES)
    run = judged(folder)
    (folder / "experiment.toml").write_text(text, errors="surrogateescape")
    read_page_text(page_of(run))


@pytest.mark.parametrize(
    ("cells", "most_bytes"),
    [(200, 2_000_000), pytest.param(1000, 8_000_000, marks=pytest.mark.long)],
)
def test_a_thousand_cells_have_a_page_that_can_be_opened(
    cells: int, most_bytes: int, tmp_path: Path
) -> None:
    many = ", ".join(str(n) for n in range(1, cells // 2 + 1))
    text = f'title = "Many"\n[matrix]\nbackend = ["py-mt", "py-mp"]\nn = 3\nclients = [{many}]\n'
    text += '[load]\nduration = "1s"\n[plan]\nblocks = 1\n'
    text = page_of(judged(model_run(tmp_path / "run", text, Model(loads=False))))
    assert len(text.encode()) < most_bytes
    assert len(read_page_text(text).by_id("t-all").every("tr")) == cells + 1


def test_the_page_of_the_first_experiment_is_small(pages: Pages) -> None:
    assert len(pages("gil").encode()) <= 400_000


@pytest.mark.long
def test_five_hundred_trials_of_twelve_backends_have_a_page_of_three_megabytes(
    tmp_path: Path,
) -> None:
    names = ["sync", "mp", "mt", "mt-pool", "mp-pool", "epoll"]
    names = [f"c-{name}" for name in names] + [f"py-{name}" for name in (*names[:5], "async")]
    text = f'title = "Many"\n[matrix]\nbackend = {names}\nn = 3\n[load]\nclients = 8\n'
    text += 'duration = "1s"\n[plan]\nblocks = 500\nseed = 7\n'
    text += '[[claim]]\nsays = "x"\nratio = [{ backend = "py-mp" }, { backend = "py-mt" }]\n'
    text += 'metric = "throughput"\nabove = 1.3\n'
    latencies = [1_000_000 + 7_919 * place for place in range(300)]
    run = judged(model_run(tmp_path / "run", text, Model(latencies_ns=latencies)))
    assert len(run.run.attempts) >= 6_000
    page = page_of(run)
    assert len(page.encode()) <= 3_000_000
    assert page.count("<polyline") > 12 * 50, "with the curves of some of each cell's blocks"


def test_of_one_block_there_are_dots_and_no_interval(read_pages: ReadPages) -> None:
    page = read_pages("one_block")
    cards = [card for card in page.every("article", "claim") if card.every("svg", "claimfig")]
    assert cards
    for card in cards:
        assert card.every("svg", "claimfig")[0].every("rect", "bar") == []
        assert card.every("p", "badge")[0].text.split() != ["CONFIRMED"] or "in each block" in (
            card.text
        )
    assert page.by_id("designs").every("line", "bar") == []


def test_without_claims_there_is_nothing_to_judge_and_all_the_rest(read_pages: ReadPages) -> None:
    page = read_pages("without_claims")
    lead = " ".join(page.every("p", "lead")[0].text.split())
    assert lead == "This experiment makes no claims: its figures are below."
    assert page.every("article") == page.every("ol", "strip") == []
    assert "so there is nothing to judge" in page.by_id("verdicts").text
    for name in ("designs", "cores", "latency", "trust", "figures", "again"):
        assert page.by_id(name).text.strip()
    assert [one for one in page.every("button") if one.attributes.get("id") == "predict"] == []


def test_the_same_run_has_the_same_page(reviewed: Reviewed, pages: Pages) -> None:
    assert page_of(reviewed("outcomes")) == pages("outcomes")


def test_claims_that_were_added_afterwards_are_marked(tmp_path: Path) -> None:
    folder = model_run(tmp_path / "run", OUTCOMES)
    own = judged(folder)
    other = review(own.run, own.run.experiment.claims[:1])
    page = read_page_text(page_of(other))
    assert "added afterwards" in page.every("p", "lead")[0].text
    assert len(page.every("article", "claim")) == 1


def test_what_the_plan_says_may_be_anything(tmp_path: Path) -> None:
    folder = model_run(tmp_path / "run", OUTCOMES)
    plan = json.loads((folder / "plan.json").read_text())
    plan |= {
        "pinning": {"why": HOSTILE, "server": 3},
        "backends": ["x"],
        "identity": {"programs": {"a\u202eb": "x" * 99, "n": 3}},
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    text = page_of(judged(folder))
    assert "\u202e" not in text
    read_page_text(text)
