# SPDX-License-Identifier: BSD-3-Clause
"""What was expected before a run, on its page: beside the verdicts, and in "predict first"."""

from pathlib import Path

import pytest
from tests.runner.judged_runs import judged
from tests.runner.page.chromium import Browser, Look, opened
from tests.runner.page.conftest import Pages, ReadPages, Reviewed
from tests.runner.page.html_reading import read_page_text
from tests.runner.page.kinds import OUTCOMES
from tests.runner.page.model_runs import Model, model_run
from tests.runner.page.predicted import expecting
from tests.runner.stored_runs import places_with

from fibench.page import page_of
from fibench.store.carrying.opening import read_page
from fibench.verdict import review

SAID = {
    "claim-1": "Predicted that it holds; it holds.",
    "claim-2": "Predicted that it holds; it does not hold.",
    "claim-3": "Predicted that it is too close to say; it is not clear.",
    "claim-4": "Predicted that it is too close to say; it holds.",
    "claim-6": "Predicted that it holds; it holds.",
    "claim-7": "Predicted that it does not hold; it does not hold.",
    "claim-9": "Predicted that it holds; its trials are not valid.",
}
SUM = (
    "Predicted before the run: 3 of 5 came as expected; of 2 more that cannot be told; surprises: "
    "Processes are three times as fast as threads; Threads keep one core busy."
)


def test_each_card_says_what_was_expected_and_the_sum_stands_above(read_pages: ReadPages) -> None:
    page = read_pages("predicted")
    cards = {card.attributes["id"]: card for card in page.every("article", "claim")}
    said = {name: [one.text for one in card.every("p", "expected")] for name, card in cards.items()}
    assert said == {name: [SAID[name]] if name in SAID else [] for name in cards}
    own = [node.text for node in page.by_id("verdicts").every("p", "expected")]
    assert " ".join(own[0].split()) == SUM
    assert len(own) == 1 + len(SAID)


def test_a_page_without_predictions_speaks_of_none(read_pages: ReadPages) -> None:
    page = read_pages("outcomes")
    assert page.every("p", "expected") == []
    pressed = [one for one in page.every("button") if "aria-pressed" in one.attributes]
    assert pressed == []


def test_a_claim_that_was_altered_since_is_not_compared(tmp_path: Path) -> None:
    folder = expecting(model_run(tmp_path / "run", OUTCOMES, Model(loads=False)), ["holds"] * 2)
    (folder / "experiment.toml").write_text(OUTCOMES.replace("above = 3\n", "above = 1.2\n"))
    (folder / "claims.json").unlink()
    page = read_page_text(page_of(judged(folder)))
    assert [one.text for one in page.every("article")[1].every("p", "expected")] == []
    said = "1 prediction is of a claim that has been altered since, and not compared."
    assert said in " ".join(page.by_id("verdicts").text.split())


def test_what_was_expected_is_handed_in_with_the_page(
    reviewed: Reviewed, pages: Pages, tmp_path: Path
) -> None:
    run = reviewed("predicted").run
    path = tmp_path / "mine.html"
    path.write_text(pages("predicted"))
    back = read_page(path, places_with(tmp_path))
    claims = back.experiment.claims
    found = [back.belief(claim) for claim in claims]
    assert found == [run.belief(claim) for claim in run.experiment.claims]
    assert found[:4] == ["holds", "holds", "too close", "too close"]
    assert found[4] is None
    told, before = (
        read_page_text(page_of(review(one))).by_id("verdicts").text for one in (back, run)
    )
    assert told == before


PRESS = "document.querySelector('#claim-{} .guess [data-say={}]').focus()"
SHOWN = "document.querySelector({!r}).getClientRects().length > 0"
MARKED = """
[...document.querySelectorAll('[aria-pressed=true]')].map(
  one => [one.closest('.claim').id, one.dataset.say])
"""
SCORE = "document.getElementById('score').textContent"


@pytest.mark.needs("chromium")
def test_predict_first_hides_what_came_and_marks_what_was_said(
    pages: Pages, tmp_path: Path, shown: Browser
) -> None:
    path = tmp_path / "report.html"
    path.write_text(pages("predicted"))
    with opened(shown, path, Look()) as tab:
        both = ("#verdicts > .expected", "#claim-2 .expected")
        assert all(tab.evaluate(SHOWN.format(one)) for one in both)
        tab.evaluate("document.getElementById('predict').focus()")
        tab.press("Enter")
        assert not any(tab.evaluate(SHOWN.format(one)) for one in both)
        assert tab.evaluate(MARKED) == [
            ["claim-1", "CONFIRMED"], ["claim-2", "CONFIRMED"], ["claim-3", "INCONCLUSIVE"],
            ["claim-4", "INCONCLUSIVE"], ["claim-6", "CONFIRMED"], ["claim-7", "REFUTED"],
            ["claim-9", "CONFIRMED"],
        ]  # fmt: skip
        assert "Said before the run: it holds." in tab.evaluate(
            "document.querySelector('#claim-2 .guess').innerText"
        )
        tab.evaluate(PRESS.format(3, "INCONCLUSIVE"))
        tab.press("Enter")
        assert tab.evaluate(SCORE) == "", "what is not clear does not count"
        tab.evaluate(PRESS.format(2, "CONFIRMED"))
        tab.press(" ")
        assert tab.evaluate(SCORE) == "Right in 0 of 1"
        assert tab.evaluate(SHOWN.format("#claim-2 .expected"))
        assert not tab.evaluate(SHOWN.format("#claim-1 .expected"))
        tab.evaluate(PRESS.format(1, "CONFIRMED"))
        tab.press("Enter")
        assert tab.evaluate(SCORE) == "Right in 1 of 2"
        tab.evaluate("document.getElementById('predict').focus()")
        tab.press("Enter")
        assert all(tab.evaluate(SHOWN.format(one)) for one in both)
        assert tab.said == []
