# SPDX-License-Identifier: BSD-3-Clause
"""Pages in a real browser, opened from the disk."""

import base64
import json
import os
import re
from pathlib import Path

import pytest
from tests.here import leave_out
from tests.runner.page.chromium import (
    Browser,
    Look,
    check_it_is_alone_and_fits,
    opened,
)
from tests.runner.page.conftest import Pages, Reviewed
from tests.runner.page.kinds import KINDS

from fibench.store.carrying.packing import packed

pytestmark = pytest.mark.needs("chromium")
LOOKS = {
    "light": Look(),
    "dark": Look(scheme="dark"),
    "phone": Look(width=390),
    "paper": Look(media="print"),
}
SECTIONS = ("verdicts", "designs", "cores", "latency", "trust", "figures", "again")
IS_SHOWN = "document.getElementById({!r}).getBoundingClientRect().height > 0"


@pytest.fixture
def page(pages: Pages, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The page of the kind that a test asks for."""
    path = tmp_path / "report.html"
    path.write_text(pages(getattr(request, "param", "gil")))
    return path


@pytest.mark.parametrize("page", KINDS, indirect=True)
def test_it_asks_for_nothing_complains_of_nothing_and_fits(page: Path, shown: Browser) -> None:
    with opened(shown, page, Look()) as tab:
        check_it_is_alone_and_fits(tab, page, LOOKS)


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_the_same_to_who_looks_so_from_the_first(
    look: str, page: Path, shown: Browser
) -> None:
    with opened(shown, page, LOOKS[look]) as tab:
        check_it_is_alone_and_fits(tab, page, {look: LOOKS[look]})


MARKS = """
[...document.querySelectorAll('.claim')].map(card => {
  const picture = card.querySelector('svg.claimfig'), box = picture.getBoundingClientRect();
  const share = x => 100 * (x - box.left) / box.width;
  const ends = mark => {
    const at = mark.getBoundingClientRect();
    return [share(at.left), share(at.right)];
  };
  const bar = picture.querySelector('.bar'), dots = [...picture.querySelectorAll('.dots circle')];
  return {
    bar: ends(bar),
    said: [bar.getAttribute('x'), bar.getAttribute('width')],
    dots: dots.map(ends),
    places: dots.map(dot => dot.getAttribute('cx')),
  };
})
"""
"""Where the marks of each claim are on the screen, and where they say that they are."""


@pytest.mark.parametrize("look", ["light", "phone"])
def test_marks_are_where_their_figures_are(look: str, page: Path, shown: Browser) -> None:
    with opened(shown, page, LOOKS[look]) as tab:
        cards = tab.evaluate(MARKS)
    assert len(cards) == 8
    for card in cards:
        begins, width = (float(text.removesuffix("%")) for text in card["said"])
        assert card["bar"] == pytest.approx([begins, begins + width], abs=0.6)
        middles = [(left + right) / 2.0 for left, right in card["dots"]]
        places = [float(text.removesuffix("%")) for text in card["places"]]
        assert middles == pytest.approx(places, abs=0.6)
        assert len(middles) >= 6


def test_figures_change_with_the_arrow_keys(page: Path, shown: Browser) -> None:
    with opened(shown, page, Look()) as tab:
        tab.evaluate("document.getElementById('t0').focus()")
        assert tab.evaluate(IS_SHOWN.format("p0"))
        tab.press("ArrowRight")
        assert tab.evaluate(IS_SHOWN.format("p1"))
        assert not tab.evaluate(IS_SHOWN.format("p0"))


def test_everything_that_can_be_done_is_reached_by_tab(page: Path, shown: Browser) -> None:
    """Each link, button and fold-out, in their order, and what scrolls."""
    with opened(shown, page, Look()) as tab:
        wanted = tab.evaluate(
            "[...document.querySelectorAll('a[href],button,summary,[tabindex]')]"
            ".filter(one => one.checkVisibility()).length"
        )
        seen = tab.evaluate("document.body.focus(), 0")
        for _ in range(wanted + 5):
            tab.press("Tab")
            seen += tab.evaluate(
                "document.activeElement.matches('a[href],button,summary,[tabindex]') && "
                "!document.activeElement.dataset.seen ? "
                "(document.activeElement.dataset.seen = 1, 1) : 0"
            )
    assert seen == wanted


def test_links_and_fold_outs_work_by_keyboard(page: Path, shown: Browser) -> None:
    with opened(shown, page, Look()) as tab:
        tab.evaluate("document.querySelector('.strip li:nth-child(2) a').focus()")
        tab.press("Enter")
        assert tab.evaluate("location.hash") == "#claim-2"
        assert tab.evaluate("document.querySelector('#claim-2').matches(':target')")
        tab.evaluate("document.querySelector('#claim-2 summary').focus()")
        tab.press("Enter")
        assert tab.evaluate("document.querySelector('#claim-2 details').open")
        tab.press(" ")
        assert not tab.evaluate("document.querySelector('#claim-2 details').open")
        tab.evaluate("document.querySelector('#claim-2 details').open = true")
        tab.evaluate("document.querySelector('#claim-2 details a').focus()")
        tab.press("Enter")
        assert tab.evaluate("document.querySelector(location.hash).matches('.toml .l')")


def test_light_and_dark_are_changed_by_keyboard(page: Path, shown: Browser) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(shown, page, Look()) as tab:
        before = tab.evaluate(ground)
        tab.evaluate("document.getElementById('theme').focus()")
        tab.press("Enter")
        assert tab.evaluate(ground) != before
        tab.press("Enter")
        assert tab.evaluate(ground) == before


def test_a_link_to_a_trial_opens_the_table(page: Path, shown: Browser) -> None:
    with opened(shown, page, Look(fragment="#trial-7")) as tab:
        assert tab.evaluate(IS_SHOWN.format("trial-7"))


def test_who_predicts_first_sees_no_verdict_before(page: Path, shown: Browser) -> None:
    badge = "document.querySelector('.claim .badge').getClientRects().length"
    with opened(shown, page, Look()) as tab:
        tab.evaluate("document.getElementById('predict').focus()")
        tab.press("Enter")
        assert tab.evaluate(badge) == 0
        assert tab.evaluate("document.querySelector('header .strip').getClientRects().length") == 0
        tab.evaluate("document.querySelector('.guess button').focus()")
        tab.press(" ")
        assert tab.evaluate(badge) > 0
        assert tab.evaluate("document.querySelector('.you').textContent").startswith("You said: it")
        assert tab.evaluate("document.getElementById('score').textContent") == "Right in 1 of 1"


def test_what_is_saved_is_the_run(page: Path, reviewed: Reviewed, shown: Browser) -> None:
    with opened(shown, page, Look()) as tab:
        tab.evaluate("URL.createObjectURL = what => { globalThis.saved = what; return '#' }")
        tab.evaluate("document.querySelector('[data-save]').focus()")
        tab.press("Enter")
        saved = tab.evaluate(
            "new Promise(done => { const reader = new FileReader();"
            "reader.onload = () => done(reader.result.split(',')[1]);"
            "reader.readAsDataURL(saved) })"
        )
    assert base64.b64decode(saved) == packed(reviewed("gil").run)


@pytest.mark.parametrize("page", ["outcomes", "sweep"], indirect=True)
def test_without_scripts_it_reads_and_its_tabs_work(page: Path, shown: Browser) -> None:
    with opened(shown, page, Look(scripts=False)) as tab:
        for name in SECTIONS:
            assert tab.evaluate(IS_SHOWN.format(name)), name
        buttons = "[...document.querySelectorAll('button')].filter(b => b.getClientRects().length)"
        idle = f"{buttons}.filter(b => !b.closest('fieldset')).length"
        assert tab.evaluate(idle) == 0, "nothing is there that would do nothing"
        tab.evaluate("document.getElementById('t1').click()")
        assert tab.evaluate(IS_SHOWN.format("p1"))
        assert not tab.evaluate(IS_SHOWN.format("p0"))


@pytest.mark.parametrize("page", ["outcomes", "sweep"], indirect=True)
def test_without_styles_it_reads(page: Path, shown: Browser) -> None:
    """As under a host that forbids style sheets: all words are there, and pictures have colours."""
    with opened(shown, page, Look()) as tab:
        tab.evaluate("document.querySelector('style').remove()")
        words = tab.evaluate("document.body.innerText")
        for outcome in ("CONFIRMED", "How the designs compare", "Can I trust it?", "All figures"):
            assert outcome in words
        fills = tab.evaluate(
            "[...document.querySelectorAll('svg.claimfig rect')]"
            ".map(one => getComputedStyle(one).fill)"
        )
        assert len(set(fills)) > 1


@pytest.mark.parametrize("page", ["gil", "sweep"], indirect=True)
def test_on_paper_every_section_is_there(page: Path, shown: Browser) -> None:
    with opened(shown, page, Look(media="print")) as tab:
        for name in SECTIONS:
            assert tab.evaluate(IS_SHOWN.format(name)), name
        assert not tab.evaluate("document.querySelector('nav').getClientRects().length")
        asked = {"printBackground": True, "generateDocumentOutline": True}
        pdf = base64.b64decode(tab.call("Page.printToPDF", **asked)["data"])
        heads = tab.evaluate("[...document.querySelectorAll('h1,h2')].map(one => one.innerText)")
    assert pdf.startswith(b"%PDF-")
    assert len(heads) == 1 + len(SECTIONS)
    printed = {_unspaced(title) for title in titles_of(pdf)}
    assert {_unspaced(head) for head in heads} <= printed


def _unspaced(title: str) -> str:
    """A heading without spaces: where its line is wrapped the outline has none."""
    return "".join(title.split())


def titles_of(pdf: bytes) -> list[str]:
    """The headings in a PDF's outline, which the browser writes of those that are printed."""
    found = []
    for words, coded in re.findall(rb"/Title\s*(?:\(((?:[^()\\]|\\.)*)\)|<([0-9A-Fa-f]+)>)", pdf):
        if coded:
            found.append(bytes.fromhex(coded.decode()).decode("utf-16"))
        else:
            found.append(re.sub(rb"\\(.)", rb"\1", words).decode("latin-1"))
    return found


AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("page", ["outcomes", "groups", "sweep"], indirect=True)
def test_axe_finds_nothing(page: Path, look: str, shown: Browser) -> None:
    """WCAG 2.2 AA, as far as axe-core can tell; that it looks is seen by a page that is wrong."""
    named = os.environ.get("FIBENCH_AXE")
    if not named:
        leave_out("axe-core is not here: FIBENCH_AXE does not name its axe.min.js")
    code = Path(named).read_text()
    run = f"axe.run({{runOnly: {json.dumps(AXE_RULES)}}})"
    ids = f"{run}.then(found => found.violations.map(one => one.id + ': ' + one.help))"
    with opened(shown, page, LOOKS[look]) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        tab.evaluate(f"{code}; 0")
        assert tab.evaluate(ids) == []
        tab.evaluate("document.querySelector('h1').remove(), document.title = ''")
        assert tab.evaluate(ids) != []
