# SPDX-License-Identifier: BSD-3-Clause
"""What GitHub's runner is told: commands that it obeys as they are meant, and a summary."""

import re
from dataclasses import replace

from hypothesis import example, given
from markdown_it import MarkdownIt
from tests.runner.export.outcome_runs import ANY_TEXT, Saying

from fibench.export.graders.github import annotated, summary, workflow_command
from fibench.export.graders.plain import ToldClaim
from fibench.verdict import Review
from fibench.wording import shown

COMMAND = re.compile(r"::(?P<name>[a-z]+)(?: (?P<properties>.*?))?::(?P<message>.*)")
"""As actions/runner reads a line: what stands before the second `::` are its properties."""


def unescaped(text: str, *, of_property: bool) -> str:
    signs = {"%0D": "\r", "%0A": "\n"} | ({"%3A": ":", "%2C": ","} if of_property else {})
    for code, sign in signs.items():
        text = text.replace(code, sign)
    return text.replace("%25", "%")


def obeyed(line: str) -> tuple[str, dict[str, str], str]:
    """What the runner makes of a line."""
    assert "\n" not in line
    assert "\r" not in line
    found = COMMAND.fullmatch(line)
    assert found is not None, line
    pairs = [pair.split("=", 1) for pair in (found["properties"] or "").split(",") if pair]
    properties = {name: unescaped(value, of_property=True) for name, value in pairs}
    return found["name"], properties, unescaped(found["message"], of_property=False)


def place(claim: ToldClaim) -> tuple[str, int] | None:
    return None if claim.outcome == "INVALID" else ("lab, 1: %0A.toml", 7)


def test_each_claim_that_does_not_hold_is_annotated_where_it_stands(outcomes: Review) -> None:
    found = [obeyed(line) for line in annotated(outcomes, place)]
    levels = {"REFUTED": "error", "INVALID": "warning", "INCONCLUSIVE": "warning"}
    wanted = [one for one in outcomes.verdicts if one.outcome in levels]
    *claims, failed = found
    assert [name for name, _, _ in claims] == [levels[one.outcome] for one in wanted]
    for (_, properties, message), verdict in zip(claims, wanted, strict=True):
        where = {} if verdict.outcome == "INVALID" else {"file": "lab, 1: %0A.toml", "line": "7"}
        assert properties == {**where, "title": verdict.outcome}
        assert message.splitlines()[0] == verdict.claim.says
        assert verdict.reason is None or shown(verdict.reason) in message
    assert failed[0] == "error"
    assert failed[1] == {"title": f"{len(outcomes.failures)} trials failed"}
    assert failed[2].startswith(outcomes.failures[0].trial)


def test_what_is_allowed_is_a_notice(outcomes: Review) -> None:
    found = [obeyed(line) for line in annotated(outcomes, place, {"INCONCLUSIVE"})]
    levels = {properties["title"]: name for name, properties, _ in found}
    assert levels["INCONCLUSIVE"] == "notice"
    assert levels["REFUTED"] == "error"


def test_a_run_that_is_fine_is_not_annotated(outcomes: Review) -> None:
    fine = [one for one in outcomes.verdicts if one.outcome in ("CONFIRMED", "NOT HERE")]
    assert fine
    assert list(annotated(replace(outcomes, verdicts=fine, failures=()), place)) == []


@given(ANY_TEXT, ANY_TEXT)
@example("%0A::error::x", "a%25:b,c=d\r\n::stop-commands::x")
def test_any_text_is_one_command_and_comes_back(message: str, value: str) -> None:
    line = workflow_command("error", {"file": value, "line": "3"}, message)
    name, properties, told = obeyed(line)
    assert (name, properties["line"], len(properties)) == ("error", "3", 2)
    assert told == "\n".join(map(shown, message.split("\n")))
    assert properties["file"] == "\n".join(map(shown, value.split("\n")))
    assert "\x1b" not in line


def test_the_summary_has_every_claim_and_the_report_below(outcomes: Review) -> None:
    text = summary(outcomes, 1 << 20)
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert page.startswith("<h3>Every outcome of a claim</h3>")
    for verdict in outcomes.verdicts:
        assert re.search(rf"<td[^>]*>{verdict.outcome}</td>\s*<td[^>]*>{verdict.claim.says}", page)
    assert "2 trials failed." in page
    assert "<details><summary>The whole report</summary>" in text
    assert text.rstrip().endswith("</details>")
    assert re.search(r"<h2>Failed trials</h2>", page)


def test_a_summary_that_is_too_long_is_cut_at_its_seams(outcomes: Review) -> None:
    whole = summary(outcomes, 1 << 20)
    short = summary(outcomes, len(whole.encode()) - 1)
    assert "details" not in short
    assert whole.startswith(short)
    head = summary(outcomes, len(short.encode()) - 1)
    assert "<td" not in MarkdownIt("commonmark").enable("table").render(head)
    assert short.startswith(head)


@given(ANY_TEXT)
def test_whatever_is_said_the_summary_has_no_markup_of_it(made: Saying, text: str) -> None:
    found = summary(made(text), 1 << 20)
    page = MarkdownIt("commonmark").enable("table").render(found.partition("<details>")[0])
    assert not re.search(r"<(?!/?(h3|p|table|thead|tbody|tr|th|td|strong)\b|!-- -->)", page), page
    assert "\x1b" not in found
