# SPDX-License-Identifier: BSD-3-Clause
"""The causes of claims in every format of a run, and on its page; also where they are not known."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.runner.causes import waiting
from tests.runner.judged_runs import judged
from tests.runner.page.html_reading import read_page_text
from tests.runner.page.kinds import HOSTILE
from tests.runner.page.model_runs import Document, Model, model_run
from tests.runner.stored_runs import EXPERIMENT, make_run

from fibench.export import OF_RUNS, exported
from fibench.export.md import escape
from fibench.metrics import LEAST_SHARE
from fibench.page import page_of
from fibench.plan import Trial
from fibench.record import waiting_metrics
from fibench.store.planned import claims_for
from fibench.timeline import ThreadTime
from fibench.verdict import Review, review

TEXT = """\
title = "Causes"
[[matrix]]
backend = ["py-mp", "py-mt"]
n = 27
[load]
clients = 8
duration = "2s"
warmup = "200ms"
[plan]
blocks = 6
seed = 7
[[claim]]
says = "Processes beat threads"
because = "The GIL lets one thread at a time run Python code"
cause = [
    { of = { backend = "py-mt" }, metric = "waiting_for_gil", above = 0.6 },
    { of = { backend = "py-mp" }, metric = "waiting_for_gil", below = 0.05 },
]
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "throughput"
above = 1.3
"""
SEEN = "and the cause was seen: py-mt's threads waited for the GIL 81 % [80, 82] of their time"
NOT_SEEN = "but its stated cause was not seen: py-mt's threads waited for the GIL 30 % [29, 31]"
Made = Callable[[ThreadTime], Review]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A run whose py-mt was seen to wait so, and whose py-mp waited for nothing."""

    def make(of_threads: ThreadTime) -> Review:
        def change(document: Document, trial: Trial) -> None:
            if trial.role == "timeline":
                idle = waiting(0.0, unevenly=0.0)
                seen = of_threads if trial.cell.backend == "py-mt" else idle
                document["timeline"] = seen.as_document()
                document["metrics"] = waiting_metrics(seen)

        folder = tmp_path_factory.mktemp("run") / "gil" / "2026-11-30T0900-63e1"
        return judged(model_run(folder, TEXT, Model(change=change, loads=False)))

    return make


@pytest.fixture(scope="module")
def seen(made: Made) -> Review:
    return made(waiting(0.81))


def test_every_report_says_that_the_cause_was_seen(seen: Review) -> None:
    assert seen.verdicts[0].outcome == "CONFIRMED"
    assert f"  - {escape(SEEN)}" in exported(seen, "md")
    suite = ET.fromstring(exported(seen, "junit"))[0]
    (out,) = suite.iter("system-out")
    assert SEEN in str(out.text)
    card = read_page_text(page_of(seen)).every("p", "cause")
    assert [SEEN[1:] in one.text for one in card] == [True]


def test_json_has_the_figures_of_the_cause(seen: Review) -> None:
    (claim,) = json.loads(exported(seen, "json"))["claims"]
    assert claim["cause"]["outcome"] == "seen"
    assert [one["label"] for one in claim["cause"]["figures"]] == ["py-mt", "py-mp"]
    assert [one["estimate"]["slices"] for one in claim["cause"]["figures"]] == [10, 10]
    kept = json.loads((seen.run.folder / "claims.json").read_text())
    assert kept["claims"][0]["cause"] == claim["cause"], "what was kept when it was made"


def test_a_claim_stands_though_its_cause_was_not_seen(made: Made) -> None:
    found = made(waiting(0.3))
    assert found.verdicts[0].outcome == "CONFIRMED"
    assert escape(NOT_SEEN) in exported(found, "md")
    suite = ET.fromstring(exported(found, "junit"))[0]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", "0")


def test_an_old_run_judged_by_claims_with_causes_does_not_know_them(tmp_path: Path) -> None:
    run = judged(make_run(tmp_path / "gil" / "2026-11-24T2255-63e1")).run
    claims, _ = claims_for(TEXT.encode(), "claims.toml", run.experiment.cells)
    found = review(run, claims)
    (cause,) = found.verdicts[0].causes[:1]
    assert (cause.outcome, cause.reason) == (
        "not known", "waiting_for_gil was not measured: its server was not watched"
    )  # fmt: skip
    assert "whether its cause was there is not known: waiting\\_for\\_gil" not in exported(
        found, "md"
    )
    assert "whether its cause was there is not known: waiting_for_gil of py-mt" in exported(
        found, "md"
    )


def test_who_has_other_causes_has_other_claims(tmp_path: Path) -> None:
    """Since who has seen the figures may choose causes by them."""
    with_cause = EXPERIMENT.replace(
        'because = "The GIL"\n',
        'because = "The GIL"\n'
        'cause = { of = { backend = "py-mt" }, metric = "cores", below = 1.1 }\n',
    )
    assert with_cause != EXPERIMENT
    plain, stated = (
        judged(make_run(tmp_path / name / "2026-11-24T2255-63e1", text=text)).run.experiment.claims
        for name, text in (("plain", EXPERIMENT), ("stated", with_cause))
    )
    assert plain[0].causes == ()
    assert len(stated[0].causes) == 1


@pytest.mark.parametrize("name", [one for one in OF_RUNS if one not in ("text", "html")])
def test_a_reason_from_outside_is_harmless_in_every_format(name: str, made: Made) -> None:
    text = exported(made(ThreadTime(HOSTILE[:300])), name)
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    assert {c for c in text if c not in "\r\n\t" and unicodedata.category(c) in kinds} == set()
    if name == "md":
        assert "<b onclick" not in text
        assert "whether its cause was there is not known" in text


def test_a_reason_from_outside_is_text_on_the_page(made: Made) -> None:
    page = read_page_text(page_of(made(ThreadTime(HOSTILE[:300]))))
    (cause,) = page.every("p", "cause")
    assert "<b onclick='x'>" in cause.text
    assert cause.every("b") == []
    assert not any(one in cause.text for one in "\u202e\u2066\u200b")


def test_a_page_hides_the_cause_while_one_predicts(seen: Review) -> None:
    assert ".because, .cause, .missing" in page_of(seen)


def _figures(document: Any) -> list[Any]:
    return [one["estimate"]["mean"] for one in document["cause"]["figures"]]


def test_what_is_kept_is_what_is_judged_again(seen: Review) -> None:
    (claim,) = json.loads(exported(seen, "json"))["claims"]
    assert _figures(claim) == [pytest.approx(0.81), LEAST_SHARE], "which stands for none"
